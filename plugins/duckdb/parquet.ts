import { copyFile, lstat, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { FileWriter, Params } from "../../core/contract/driver.ts";
import { located } from "./errors/diagnose.ts";
import { refusal } from "./errors/refusal.ts";
import { prepareLast } from "./run.ts";
import { interruptible, type Session } from "./session.ts";
import { bindParams } from "./sql/params.ts";
import { text } from "./sql/quote.ts";
import { explained, firstWords, withoutEnd } from "./sql/text.ts";
import { parse } from "./sql/tree.ts";

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
    return { rows };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await rm(staged, { force: true });
  }
}

/** COPY takes queries only; a FROM makes one of what merely shows something. */
async function copy(session: Session, query: string, { params, path, signal }: Writing): Promise<number> {
  const shows = ["describe", "desc", "show", "summarize"].includes(firstWords(query)[0]);
  const before = shows ? "COPY (FROM (\n" : "COPY (\n";
  const sql = `${before}${query}\n)${shows ? ")" : ""} TO ${text(path)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)`;
  try {
    const prepared = await prepareLast(session, sql, signal);
    try {
      bindParams(prepared, params);
      const result = await interruptible(session.native, signal, prepared.run());
      return Number((await result.getRows())[0]?.[0]);
    } finally {
      prepared.destroySync();
    }
  } catch (error) {
    throw located(error, sql, before.length);
  }
}

/** The query without what may follow it, so that it can stand in parentheses. */
async function embeddable({ native }: Session, sql: string): Promise<string> {
  if (explained(sql) !== undefined || firstWords(sql)[0] === "pragma") {
    throw refusal({
      code: "UNSUPPORTED",
      message: "Only a query can be written as Parquet",
      hint: "Choose another format, for example csv",
    });
  }
  const query = withoutEnd(sql);
  // Only the engine knows where a statement ends: both texts must mean the same to it. Of a PIVOT it shows no tree.
  const [whole, cut] = [await parse(native, sql), await parse(native, query)];
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
