import type { CatalogColumn, CatalogIndex, CatalogObject, CatalogRequest, ForeignKey } from "../../core/contract/catalog.ts";
import { catalogSql, estimateSql, type Fact } from "./catalog-sql.ts";
import { diagnose } from "./diagnose.ts";
import type { Engine, Row } from "./engine.ts";
import { allRows } from "./rows.ts";
import { indexTerms } from "./sql/index-terms.ts";
import { textDecoder } from "./values/cells.ts";
import { logicalType } from "./values/column-type.ts";

const schema = "main";
/** A row takes at least a size, a rowid and an empty header in its page, and a pointer to it. */
const leastRowBytes = 4;
/** The engine takes 500 parts in one union. */
const mostEstimates = 400;

type ObjectFact = readonly ["object", string, view: number, hasRowid: number, definition: string | null];
type ColumnFact = readonly [
  "column",
  string,
  string,
  type: string,
  notNull: number,
  initial: string | null,
  key: number,
  generated: number,
];
type ForeignKeyFact = readonly ["key", string, id: number, table: string, from: string, to: string];
type IndexFact = readonly ["index", string, string, unique: number, column: string | null, definition: string | null];

/** Reads the schema with one statement, and the estimates with another. */
export async function readCatalog(engine: Engine, { detail, object, signal }: CatalogRequest): Promise<CatalogObject[]> {
  signal.throwIfAborted();
  if (object?.schema !== undefined && object.schema.toLowerCase() !== schema) return [];
  const read = createRead(engine, signal);
  const name = object?.name ?? null;
  const objects = (await read(catalogSql("object"), name)) as unknown as ObjectFact[];
  const names = objects.map(([, name, view]): CatalogObject => ({ schema, name, kind: view ? "view" : "table" }));
  if (detail === "names" || names.length === 0) return names;
  const facts = await structure(read, objects, name, detail === "full");
  const described = names.map((named, index) => {
    const [, , , , definition] = objects[index] as ObjectFact;
    const own = facts.get(named.name);
    return { ...named, ...(own && describe(own, detail === "full")), ...(detail === "full" && definition !== null && { definition }) };
  });
  const estimates = await readEstimates(read, described, objects);
  return described.map((entry) => ({ ...entry, ...(estimates.has(entry.name) && { estimatedRows: estimates.get(entry.name) as number }) }));
}

type Read = (sql: string, ...values: Row) => Promise<Fact[]>;

/** Facts come as JSON in bytes, so that names and definitions are exact. */
function createRead(engine: Engine, signal: AbortSignal): Read {
  const text = textDecoder(engine.facts.encoding, "sqlite_schema");
  return async (sql, ...values) => {
    const rows = await allRows(await engine.read(sql, { values }, { signal }));
    return rows.map(([bytes]) => JSON.parse(text(bytes as Uint8Array)) as Fact);
  };
}

/** Everything of every object at once; one after the other where one of them cannot be read. */
async function structure(read: Read, objects: readonly ObjectFact[], name: string | null, full: boolean): Promise<Map<string, Fact[]>> {
  const sql = catalogSql(full ? "full" : "columns");
  const found = await readable(() => read(sql, name));
  if (found !== undefined) return Map.groupBy(found, ([, owner]) => owner);
  const each = new Map<string, Fact[]>();
  for (const [, name] of objects) {
    const facts = await readable(() => read(sql, name));
    if (facts !== undefined) each.set(name, facts);
  }
  return each;
}

/** A view of something that is gone, or a table of a module that is not loaded, is there but has no structure to read. */
async function readable(read: () => Promise<Fact[]>): Promise<Fact[] | undefined> {
  try {
    return await read();
  } catch (error) {
    if (diagnose(error)?.code === "SQL_INVALID") return undefined;
    throw error;
  }
}

function describe(facts: readonly Fact[], full: boolean): Partial<CatalogObject> {
  const of = <Kind extends Fact>(kind: Kind[0]) => facts.filter(([found]) => found === kind) as unknown as Kind[];
  const columns = of<ColumnFact>("column");
  const key = columns.filter(([, , , , , , place]) => place > 0).sort((a, b) => a[6] - b[6]);
  return {
    columns: columns.map((fact) => toColumn(fact, key.length === 1)),
    ...(key.length > 0 && { primaryKey: key.map(([, , column]) => column) }),
    foreignKeys: [...Map.groupBy(of<ForeignKeyFact>("key"), ([, , id]) => id).values()].map(toForeignKey),
    ...(full && { indexes: [...Map.groupBy(of<IndexFact>("index"), ([, , index]) => index).values()].map(toIndex) }),
  };
}

/** A primary key may hold NULL in SQLite, except where it is the rowid itself. */
function toColumn([, , name, type, notNull, initial, key, generated]: ColumnFact, keyIsSingle: boolean): CatalogColumn {
  const rowid = key > 0 && keyIsSingle && type.toUpperCase() === "INTEGER";
  return {
    name,
    type: logicalType(type),
    nativeType: type,
    nullable: notNull === 0 && !rowid,
    ...(initial !== null && { default: initial }),
    ...(generated === 1 && { generated: true }),
  };
}

function toForeignKey(facts: readonly ForeignKeyFact[]): ForeignKey {
  return {
    columns: facts.map(([, , , , from]) => from),
    references: { schema, name: facts[0]?.[3] ?? "", columns: facts.map(([, , , , , to]) => to) },
  };
}

function toIndex(facts: readonly IndexFact[]): CatalogIndex {
  const [, , name = "", unique = 0, , definition] = facts[0] ?? [];
  const terms = indexTerms(definition ?? "");
  return { name, unique: unique === 1, columns: facts.map(([, , , , column], index) => column ?? terms[index] ?? "") };
}

/** ANALYZE's count where there is one. Else the span of rowids, unless the file could never hold so many rows. */
async function readEstimates(read: Read, tables: readonly CatalogObject[], objects: readonly ObjectFact[]): Promise<Map<string, number>> {
  const withRowid = tables.filter(({ kind, columns }, index) => {
    const [, , , hasRowid] = objects[index] as ObjectFact;
    return kind === "table" && hasRowid === 1 && columns !== undefined && !columns.some(({ name }) => name.toLowerCase() === "rowid");
  });
  const estimates = new Map<string, number>();
  const names = withRowid.map(({ name }) => name);
  for (let start = 0; start < names.length; start += mostEstimates) {
    const spans = (await read(estimateSql(names.slice(start, start + mostEstimates)))) as unknown as [
      string,
      string,
      number | null,
      number,
    ][];
    for (const [, table, span, bytes] of spans) if (span !== null && span <= bytes / leastRowBytes) estimates.set(table, span);
  }
  const [[, , analyzed] = []] = await read(estimateSql([]));
  if (analyzed !== 1) return estimates;
  const counts = (await read(catalogSql("counts"))) as unknown as [string, string, number][];
  for (const [, table, count] of counts) if (tables.some(({ name }) => name === table)) estimates.set(table, count);
  return estimates;
}
