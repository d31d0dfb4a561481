import { copyFile, lstat, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { FileWriter, Params } from "../../core/contract/driver.ts";
import type { Column } from "../../core/contract/rows.ts";
import { located } from "./errors/diagnose.ts";
import { carried, refusal } from "./errors/refusal.ts";
import { prepareLast } from "./run.ts";
import { interruptible, type Session } from "./session.ts";
import { bindParams } from "./sql/params.ts";
import { text } from "./sql/quote.ts";
import { explained, firstWords, withoutEnd } from "./sql/text.ts";
import { parse } from "./sql/tree.ts";
import { columnsOf } from "./stream.ts";

interface Writing {
  readonly params: Params;
  readonly path: string;
  readonly signal: AbortSignal;
}

/**
 * Writes the rows of a read as Parquet. The engine may write to its own folder only; the file there is a link to
 * `path`, so the bytes are written once, where they belong. Where links are not allowed, the file is moved.
 */
export async function writeParquet(session: Session, sql: string, { path, ...rest }: Writing): ReturnType<FileWriter> {
  const query = await embeddable(session, sql);
  const staged = join(session.engine.folder, `${crypto.randomUUID()}.parquet`);
  await symlink(path, staged).catch(() => undefined); // Windows reserves links for administrators.
  try {
    const rows = await copy(session, query, { ...rest, path: staged });
    if (!(await lstat(staged)).isSymbolicLink()) await move(staged, path);
    return { rows, columns: await columnsFor(session, query, rest) };
  } catch (error) {
    await rm(path, { force: true });
    throw namedAs(path, staged, error);
  } finally {
    await rm(staged, { force: true });
  }
}

/** COPY takes queries only; a FROM makes one of what merely shows something. */
async function copy(session: Session, query: string, { path, ...how }: Writing): Promise<number> {
  const shows = ["describe", "desc", "show", "summarize"].includes(firstWords(query)[0]);
  const before = shows ? "COPY (FROM (\n" : "COPY (\n";
  const sql = `${before}${query}\n)${shows ? ")" : ""} TO ${text(path)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)`;
  try {
    const result = await runBound(session, sql, how);
    return Number((await result.getRows())[0]?.[0]);
  } catch (error) {
    throw located(error, sql, before.length);
  }
}

/** COPY does not tell what it wrote, and a prepared query does not know the types that its parameters give it. */
async function columnsFor(session: Session, query: string, how: Omit<Writing, "path">): Promise<Column[]> {
  return columnsOf(await runBound(session, `FROM (\n${query}\n) LIMIT 0`, how));
}

async function runBound(session: Session, sql: string, { params, signal }: Omit<Writing, "path">) {
  const prepared = await prepareLast(session, sql, signal);
  try {
    bindParams(prepared, params);
    return await interruptible(session.native, signal, prepared.run());
  } finally {
    prepared.destroySync();
  }
}

/** The engine knows the file by the name of the link. */
function namedAs(path: string, staged: string, error: unknown): unknown {
  const diagnosis = carried(error);
  if (!diagnosis?.message.includes(staged)) return error;
  return refusal({ ...diagnosis, message: diagnosis.message.replaceAll(staged, path) }, error);
}

/** The query without what may follow it, so that it can stand in parentheses. */
async function embeddable({ native, engine }: Session, sql: string): Promise<string> {
  if (explained(sql) !== undefined || firstWords(sql)[0] === "pragma") {
    throw refusal({
      code: "UNSUPPORTED",
      message: "Only a query can be written as Parquet",
      hint: "Choose another format, for example csv",
    });
  }
  const query = withoutEnd(sql);
  // Only the engine knows where a statement ends: both texts must mean the same to it. Of a PIVOT it shows no tree.
  const grammar = engine.grammarOf(native);
  const [whole, cut] = [await parse(grammar, sql), await parse(grammar, query)];
  if (whole?.json === cut?.json) return query;
  throw refusal({ code: "UNSUPPORTED", message: "The end of the statement cannot be told", hint: "Remove what follows the query" });
}

async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    await copyFile(from, to);
  }
}
