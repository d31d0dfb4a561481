import type { DatabaseSync } from "node:sqlite";
import type { CatalogColumn, CatalogIndex, CatalogObject, CatalogRequest, ForeignKey } from "../../core/contract/catalog.ts";
import { logicalType } from "./column-type.ts";
import { diagnose } from "./diagnose.ts";
import { indexTerms } from "./index-terms.ts";
import type { Session } from "./session.ts";

const schema = "main";
/** A row takes at least a size, a rowid and an empty header in its page, and a pointer to it. */
const leastRowBytes = 4;

/** Shadow tables belong to a virtual table, sqlite_% to the engine. */
const objectsSql = `select l.name, l.type = 'view', l.type = 'table' and l.wr = 0, s.sql
  from pragma_table_list l left join sqlite_schema s on s.name = l.name and s.type in ('table', 'view')
  where l.schema = 'main' and l.type in ('table', 'view', 'virtual') and l.name not like 'sqlite\\_%' escape '\\'
    and (?1 is null or l.name = ?1 collate nocase)
  order by l.name`;
/** Hidden columns of virtual tables are arguments rather than data. */
const columnsSql = `select name, type, "notnull" = 1, dflt_value, pk, hidden in (2, 3)
  from pragma_table_xinfo(?, 'main') where hidden <> 1 order by cid`;
/** A foreign key that names no columns leads to the primary key. */
const foreignKeysSql = `select f.id, f."table", f."from", coalesce(f."to", (select p.name from pragma_table_info(f."table", 'main') p where p.pk = f.seq + 1), '')
  from pragma_foreign_key_list(?, 'main') f order by f.id desc, f.seq`;
const indexesSql = `select l.name, l."unique" = 1, x.name
  from pragma_index_list(?, 'main') l join pragma_index_xinfo(l.name, 'main') x
  where x.key = 1 and l.origin <> 'pk' order by l.seq desc, x.seqno`;

type ObjectRow = readonly [name: string, view: bigint, hasRowid: bigint, definition: string | null];
type ColumnRow = readonly [name: string, type: string, notNull: bigint, initial: string | null, key: bigint, generated: bigint];
type ForeignKeyRow = readonly [id: bigint, table: string, from: string, to: string];
type IndexRow = readonly [name: string, unique: bigint, column: string | null];
type Definition = readonly [name: string, sql: string];

/** Reads the schema by SQLite's own table-valued pragmas, one object after the other. */
export function readCatalog({ database, trusted }: Session, { detail, object, signal }: CatalogRequest): CatalogObject[] {
  signal.throwIfAborted();
  if (object?.schema !== undefined && object.schema.toLowerCase() !== schema) return [];
  return trusted(() => {
    const rows = reader<ObjectRow>(database, objectsSql)(object?.name ?? null);
    const names = rows.map(([name, view]): CatalogObject => ({ schema, name, kind: view ? "view" : "table" }));
    if (detail === "names") return names;
    const describe = createDescriber(database, detail === "full");
    return names.map((named, index) => ({ ...named, ...describe(rows[index] as ObjectRow) }));
  });
}

function createDescriber(database: DatabaseSync, full: boolean): (row: ObjectRow) => Partial<CatalogObject> {
  const columnsOf = reader<ColumnRow>(database, columnsSql);
  const foreignKeysOf = reader<ForeignKeyRow>(database, foreignKeysSql);
  const indexesOf = reader<IndexRow>(database, indexesSql);
  const estimate = createEstimate(database);
  // Read once: sqlite_schema has no index, and a join would scan it for every index.
  const definitions = new Map(
    reader<Definition>(database, "select name, sql from sqlite_schema where type = 'index' and sql is not null")(),
  );
  const structure = ([name, view, hasRowid]: ObjectRow): Partial<CatalogObject> => {
    const columns = columnsOf(name);
    const rows = view ? undefined : estimate(name, hasRowid === 1n && !columns.some(([column]) => column.toLowerCase() === "rowid"));
    const key = columns.filter(([, , , , place]) => place > 0n).sort(([, , , , a], [, , , , b]) => Number(a - b));
    return {
      ...(rows !== undefined && { estimatedRows: rows }),
      columns: columns.map((row) => toColumn(row, key.length === 1)),
      ...(key.length > 0 && { primaryKey: key.map(([column]) => column) }),
      foreignKeys: groups(foreignKeysOf(name), ([id]) => id).map(toForeignKey),
      ...(full && { indexes: groups(indexesOf(name), ([index]) => index).map((terms) => toIndex(terms, definitions)) }),
    };
  };
  return (row) => {
    const [, , , definition] = row;
    return { ...readable(() => structure(row)), ...(full && definition !== null && { definition }) };
  };
}

/** A view of something that is gone, or a table of a module that is not loaded, is there but has no structure to read. */
function readable(read: () => Partial<CatalogObject>): Partial<CatalogObject> {
  try {
    return read();
  } catch (error) {
    if (diagnose(error)?.code === "SQL_INVALID") return {};
    throw error;
  }
}

/** All rows of a prepared query. */
function reader<Row>(database: DatabaseSync, sql: string): (...params: readonly (string | null)[]) => Row[] {
  const statement = database.prepare(sql);
  return (...params) => statement.all(...params) as unknown as Row[];
}

/** ANALYZE's count where there is one. Else the span of rowids, unless the file could never hold so many rows. */
function createEstimate(database: DatabaseSync): (table: string, hasRowid: boolean) => number | undefined {
  const one = (sql: string, ...params: readonly string[]) =>
    reader<readonly [bigint | null]>(database, sql)(...params)[0]?.[0] ?? undefined;
  const analyzed = one("select 1 from sqlite_schema where name = 'sqlite_stat1'") !== undefined;
  const mostRows = Number(one("select page_count * page_size from pragma_page_count, pragma_page_size") ?? 0n) / leastRowBytes;
  return (table, hasRowid) => {
    const counted = analyzed ? one("select max(cast(stat as integer)) from sqlite_stat1 where tbl = ?", table) : undefined;
    if (counted !== undefined) return Number(counted);
    if (!hasRowid) return undefined;
    const quoted = `"${table.replaceAll('"', '""')}"`;
    const span = Number(one(`select (select max(rowid) from ${quoted}) - (select min(rowid) from ${quoted}) + 1`) ?? 0n);
    return span <= mostRows ? span : undefined;
  };
}

/** A primary key may hold NULL in SQLite, except where it is the rowid itself. */
function toColumn([name, type, notNull, initial, key, generated]: ColumnRow, keyIsSingle: boolean): CatalogColumn {
  const rowid = key > 0n && keyIsSingle && type.toUpperCase() === "INTEGER";
  return {
    name,
    type: logicalType(type),
    nativeType: type,
    nullable: notNull === 0n && !rowid,
    ...(initial !== null && { default: initial }),
    ...(generated === 1n && { generated: true }),
  };
}

function toForeignKey(rows: readonly ForeignKeyRow[]): ForeignKey {
  return {
    columns: rows.map(([, , from]) => from),
    references: { schema, name: rows[0]?.[1] ?? "", columns: rows.map(([, , , to]) => to) },
  };
}

function toIndex(rows: readonly IndexRow[], definitions: ReadonlyMap<string, string>): CatalogIndex {
  const [name = "", unique = 0n] = rows[0] ?? [];
  const terms = indexTerms(definitions.get(name) ?? "");
  return { name, unique: unique === 1n, columns: rows.map(([, , column], index) => column ?? terms[index] ?? "") };
}

/** Rows that follow each other and share a key. */
function groups<Row>(rows: readonly Row[], keyOf: (row: Row) => unknown): Row[][] {
  const found: Row[][] = [];
  for (const [index, row] of rows.entries()) {
    const last = rows[index - 1];
    if (last === undefined || keyOf(last) !== keyOf(row)) found.push([row]);
    else found.at(-1)?.push(row);
  }
  return found;
}
