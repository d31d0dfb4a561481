import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { diagnose } from "../errors/diagnose.ts";
import { noMatch, unreadableMatches } from "../errors/file-errors.ts";
import { refusal } from "../errors/refusal.ts";
import { createGrammar, type Grammar } from "../sql/grammar.ts";
import { quoted, text } from "../sql/quote.ts";
import { type FileView, readerOf, viewOfAll, viewsOfFiles, viewsOfFolder } from "./files.ts";
import { matches } from "./glob.ts";
import type { Source } from "./source.ts";

/** A running engine, locked down: it reads the files of its source and nothing else. */
export interface Engine {
  readonly writable: boolean;
  readonly views: readonly FileView[];
  /** Counts what may have changed the names the engine knows. */
  changes: number;
  /** A folder of its own, the only one it may write to: sorts spill here. */
  readonly folder: string;
  connect(): Promise<DuckDBConnection>;
  /** The parser of one of its connections. */
  grammarOf(connection: DuckDBConnection): Grammar;
  disconnect(connection: DuckDBConnection): void;
  /** Frees memory and file locks at once; no connection may be in use. */
  close(): void;
}

/** Starts an engine on a source. Data files are views in an engine in memory. */
export function startEngine(source: Source, writable: boolean): Promise<Engine> {
  const isDatabase = source.kind === "database";
  return start({
    path: isDatabase ? source.path : ":memory:",
    access: isDatabase && !writable ? "READ_ONLY" : "READ_WRITE",
    writable,
    prepare: (connection) => prepare(connection, source),
  });
}

/** Starts an engine that `prepare` locks down. */
export async function start({
  path,
  access,
  writable,
  prepare,
}: {
  readonly path: string;
  readonly access: "READ_ONLY" | "READ_WRITE";
  readonly writable: boolean;
  readonly prepare: (connection: DuckDBConnection) => Promise<readonly FileView[]>;
}): Promise<Engine> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "tidegate-duckdb-"));
  const connections = new Map<DuckDBConnection, Grammar>();
  let instance: DuckDBInstance | undefined;
  const disconnect = (connection: DuckDBConnection) => {
    connections.get(connection)?.close();
    if (connections.delete(connection)) connection.closeSync();
  };
  const grammarOf = (connection: DuckDBConnection) => connections.get(connection) ?? createGrammar(connection);
  const close = () => {
    for (const connection of connections.keys()) disconnect(connection);
    instance?.closeSync();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    instance = await DuckDBInstance.create(path, {
      access_mode: access,
      allow_community_extensions: "false",
      allow_persistent_secrets: "false",
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
      errors_as_json: "true",
      temp_directory: folder,
    });
    const running = instance;
    const connect = async () => {
      const connection = await running.connect();
      connections.set(connection, createGrammar(connection));
      return connection;
    };
    const first = await connect();
    const views = await prepare(first);
    disconnect(first);
    return { writable, views, changes: 0, folder, connect, grammarOf, disconnect, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** The order matters: once access is shut off, no view on a file can be made; once locked, no setting changes. */
async function prepare(connection: DuckDBConnection, source: Source): Promise<readonly FileView[]> {
  await applySettings(connection, source.settings);
  const each = await createViews(connection, await viewsOf(connection, source), source);
  const views = source.kind === "glob" ? [...each, ...(await createAll(connection, each, source))] : each;
  const paths = views.flatMap((view) => view.paths).map(text);
  await connection.run(`
    SET GLOBAL TimeZone = 'UTC';
    SET allowed_paths = [${paths.join(", ")}];
    SET enable_external_access = false;
    SET lock_configuration = true;
  `);
  return views;
}

/** DuckDB would take 80 % of memory, which leaves too little for a second engine and for the rows on their way. */
export async function applySettings(connection: DuckDBConnection, settings: Source["settings"]): Promise<void> {
  const reader = await connection.runAndReadAll("SELECT current_setting('memory_limit')");
  const [, size = "", unit = ""] = /^([\d.]+) (\w+)$/.exec(String(reader.getRows()[0]?.[0])) ?? [];
  const defaults = size === "" ? {} : { memory_limit: `${((Number(size) / 8) * 5).toFixed(1)}${unit}` };
  for (const [name, value] of Object.entries({ ...defaults, ...settings })) {
    await connection.run(`SET ${name} = ${text(value)}`).catch((error) => {
      const reason = diagnose(error)?.message ?? "it is not a value DuckDB takes";
      throw refusal(
        {
          code: "INPUT_INVALID",
          message: `Option "${name}" of the target cannot be "${value}": ${reason}`,
          hint: `Use for example ${name}=${name === "threads" ? "4" : "4GB"}`,
        },
        error,
      );
    });
  }
}

async function viewsOf(connection: DuckDBConnection, { kind, path }: Source): Promise<FileView[]> {
  if (kind === "file") return viewsOfFiles([path]);
  if (kind === "folder") return viewsOfFolder(path);
  if (kind !== "glob") return [];
  const found = await matches(connection, path);
  if (found.length === 0) throw refusal(noMatch(path));
  const readable = found.filter((file) => readerOf(file) !== undefined);
  if (readable.length === 0) throw refusal(unreadableMatches(path));
  return viewsOfFiles(readable);
}

/** A view over all of them only where each has the same columns: files that differ are tables that do not belong together. */
async function createAll(connection: DuckDBConnection, each: readonly FileView[], source: Source): Promise<readonly FileView[]> {
  const all = viewOfAll(source.path, each);
  if (all === undefined) return [];
  const reader = await connection.runAndReadAll(
    `SELECT count(DISTINCT names) FROM (SELECT list(lower(column_name) ORDER BY lower(column_name)) AS names
      FROM duckdb_columns() WHERE NOT internal GROUP BY table_name)`,
  );
  return Number(reader.getRows()[0]?.[0]) === 1 ? createViews(connection, [all], source) : [];
}

async function createViews(connection: DuckDBConnection, views: readonly FileView[], source: Source): Promise<readonly FileView[]> {
  const created: FileView[] = [];
  for (const view of views) {
    const readable = await createView(connection, view, source);
    created.push(readable && view.reader === "read_parquet" ? { ...view, rows: await countRows(connection, view.paths) } : view);
  }
  return created;
}

/** Among several, a file that cannot be read does not hide the others: its view says what is wrong when it is read. */
async function createView(connection: DuckDBConnection, view: FileView, { kind, csv }: Source): Promise<boolean> {
  const name = quoted(view.name);
  const [first, last] = [view.paths[0], view.paths.at(-1)];
  let readable = true;
  await connection.run(`CREATE VIEW ${name} AS FROM ${readCall(view, csv)}`).catch(async (error) => {
    const reason = diagnose(error)?.message;
    if (kind === "file" || reason === undefined) throw error;
    readable = false;
    await connection.run(`CREATE VIEW ${name} AS SELECT error(${text(reason)}) AS unreadable`);
  });
  await connection.run(
    `COMMENT ON VIEW ${name} IS ${text(first === last ? `Reads ${first}` : `Reads ${view.paths.length} files, from ${first} to ${last}`)}`,
  );
  return readable;
}

/** Parquet files say it in their footers, which the engine has just read. */
async function countRows(connection: DuckDBConnection, paths: readonly string[]): Promise<number> {
  const reader = await connection.runAndReadAll(`SELECT sum(num_rows) FROM parquet_file_metadata([${paths.map(text).join(", ")}])`);
  return Number(reader.getRows()[0]?.[0]);
}

function readCall({ reader, paths }: FileView, csv: Source["csv"]): string {
  const options = [
    ...(paths.length > 1 ? ["union_by_name = true"] : []),
    ...(reader === "read_csv" ? Object.entries(csv).map(([name, value]) => `${name} = ${text(value)}`) : []),
  ];
  return `${reader}(${[`[${paths.map(text).join(", ")}]`, ...options].join(", ")})`;
}
