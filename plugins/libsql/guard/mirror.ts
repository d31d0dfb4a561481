import { DatabaseSync } from "node:sqlite";
import { createNames, type Names } from "../../sqlite/guard/names.ts";
import { nameOf, wordsOf } from "../../sqlite/guard/words.ts";
import { createSession as createMirrorSession, type Session as MirrorSession } from "../../sqlite/session.ts";
import { noArgs, type Session } from "../engine.ts";
import { allRows } from "../rows.ts";
import { tokensOf } from "../sql/lexer.ts";
import { textDecoder } from "../values/cells.ts";

/** The engine's schema without its rows, in a SQLite that asks leave for everything a statement does. */
export interface Mirror {
  readonly session: MirrorSession;
  readonly names: () => Names;
  /** Tables that an index of vectors keeps its copies in, in lower case. */
  readonly vectors: ReadonlySet<string>;
  close(): void;
}

const versionSql = "select cast(json_array(schema_version) as blob) from pragma_schema_version";
const schemaSql = `select cast(json_array(type, sql) as blob) from sqlite_schema where sql is not null
  order by case type when 'table' then 0 when 'view' then 1 when 'index' then 2 else 3 end, rowid`;
const functionsSql = "select cast(json_array(name) as blob) from (select distinct name from pragma_function_list)";

/** What the number of a schema is on a session; a change of the schema changes it. */
export async function schemaVersion(session: Session, signal: AbortSignal): Promise<unknown> {
  const [[version] = []] = await facts(session, versionSql, signal);
  return version;
}

/** Makes the schema of a session's database once more, empty. */
export async function createMirror(session: Session, signal: AbortSignal): Promise<Mirror> {
  const schema = (await facts(session, schemaSql, signal)) as (readonly [string, string])[];
  const functions = (await facts(session, functionsSql, signal)) as (readonly [string])[];
  const database = new DatabaseSync(":memory:", { allowExtension: false, readBigInts: true, returnArrays: true });
  try {
    addFunctions(
      database,
      functions.map(([name]) => name),
    );
    for (const [type, sql] of schema) if (isAsKept(type, sql)) add(database, sql);
  } catch (error) {
    database.close();
    throw error;
  }
  const mirror = createMirrorSession(database, { readOnly: true, hidesErrors: false });
  const vectors = schema.flatMap(([type, sql]) => (type === "index" ? vectorShadow(sql) : []));
  return { session: mirror, names: createNames(mirror), vectors: new Set(vectors), close: () => database.close() };
}

async function facts(session: Session, sql: string, signal: AbortSignal): Promise<(readonly unknown[])[]> {
  const text = textDecoder(session.facts.encoding, "sqlite_schema");
  const rows = await allRows(await session.read(sql, noArgs, { signal }));
  return rows.map(([bytes]) => JSON.parse(text(bytes as Uint8Array)) as readonly unknown[]);
}

/** Whether a text begins as the engine keeps it. A table made from a query would run it; only a file that somebody tampered with has such a text. */
function isAsKept(type: string, sql: string): boolean {
  const [create, second, third, fourth] = tokensOf(sql);
  if (create?.word !== "create") return false;
  if (type === "table")
    return (second?.word === "virtual" && third?.word === "table") || (second?.word === "table" && fourth?.text === "(");
  return (second?.word === "unique" ? third?.word : second?.word) === type;
}

/** `create index NAME on item (libsql_vector_idx(…))` keeps copies of the vectors in NAME_shadow. */
function vectorShadow(sql: string): string[] {
  const words = wordsOf(sql);
  return words.some((word) => nameOf(word) === "libsql_vector_idx") ? [`${nameOf(words[words.indexOf("on") - 1] ?? "")}_shadow`] : [];
}

/** What this SQLite cannot make is not there, and a statement that names it is not analysed. The rest of a text after its first statement is not read. */
function add(database: DatabaseSync, sql: string): void {
  try {
    database.prepare(sql).run();
  } catch (error) {
    if ((error as { code?: string }).code !== "ERR_SQLITE_ERROR" && !(error instanceof Error && "errcode" in error)) throw error;
  }
}

/** Functions that only the engine has, so that a statement may name them. They are never called here. */
function addFunctions(database: DatabaseSync, names: readonly string[]): void {
  const found = database.prepare("select distinct name from pragma_function_list").all() as unknown as [string][];
  const own = new Set(found.map(([name]) => name));
  for (const name of names) if (!own.has(name)) database.function(name, { deterministic: true, varargs: true }, () => null);
}
