import type { DatabaseSync } from "node:sqlite";
import type { CatalogColumn, CatalogIndex, CatalogObject, CatalogRequest, ForeignKey } from "../../core/contract/catalog.ts";
import { logicalType } from "./column-type.ts";
import { diagnose } from "./diagnose.ts";
import { indexTerms } from "./index-terms.ts";
import type { Session } from "./session.ts";

const schema = "main";

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
const indexesSql = `select l.name, l."unique" = 1, s.sql, x.name
  from pragma_index_list(?, 'main') l join pragma_index_xinfo(l.name, 'main') x
    left join sqlite_schema s on s.type = 'index' and s.name = l.name
  where x.key = 1 and l.origin <> 'pk' order by l.seq desc, x.seqno`;

type ObjectRow = readonly [name: string, view: bigint, hasRowid: bigint, definition: string | null];
type ColumnRow = readonly [name: string, type: string, notNull: bigint, initial: string | null, key: bigint, generated: bigint];
type ForeignKeyRow = readonly [id: bigint, table: string, from: string, to: string];
type IndexRow = readonly [name: string, unique: bigint, definition: string | null, column: string | null];

/** Reads the schema by SQLite's own table-valued pragmas, one object after the other: a broken view spoils only itself. */
export function readCatalog({ database, trusted }: Session, { detail, object, signal }: CatalogRequest): CatalogObject[] {
  signal.throwIfAborted();
  if (object?.schema !== undefined && object.schema.toLowerCase() !== schema) return [];
  return trusted(() => {
    const rows = reader<ObjectRow>(database, objectsSql)(object?.name ?? null);
    const names = rows.map(([name, view]): CatalogObject => ({ schema, name, kind: view ? "view" : "table" }));
    if (detail === "names") return names;
    const describe = createDescriber(database);
    return names.map((named, index) => ({ ...named, ...describe(rows[index] as ObjectRow, detail === "full") }));
  });
}

function createDescriber(database: DatabaseSync): (row: ObjectRow, full: boolean) => Partial<CatalogObject> {
  const columnsOf = reader<ColumnRow>(database, columnsSql);
  const foreignKeysOf = reader<ForeignKeyRow>(database, foreignKeysSql);
  const indexesOf = reader<IndexRow>(database, indexesSql);
  const estimate = createEstimate(database);
  return ([name, view, hasRowid, definition], full) => {
    const columns = columnsOf(name);
    const rows = view ? undefined : estimate(name, hasRowid === 1n && !columns.some(([column]) => column.toLowerCase() === "rowid"));
    const key = columns.filter(([, , , , place]) => place > 0n).sort(([, , , , a], [, , , , b]) => Number(a - b));
    return {
      ...(rows !== undefined && { estimatedRows: rows }),
      ...(columns.length > 0 && { columns: columns.map((row) => toColumn(row, key.length === 1)) }),
      ...(key.length > 0 && { primaryKey: key.map(([column]) => column) }),
      foreignKeys: groups(foreignKeysOf(name), ([id]) => id).map(toForeignKey),
      ...(full && { indexes: groups(indexesOf(name), ([index]) => index).map(toIndex) }),
      ...(full && definition !== null && { definition }),
    };
  };
}

/** All rows of a prepared query about one name. */
function reader<Row>(database: DatabaseSync, sql: string): (name: string | null) => Row[] {
  const statement = database.prepare(sql);
  return (name) => {
    try {
      return statement.all(name) as unknown as Row[];
    } catch (error) {
      // A view of something that is gone has no columns; the view itself is there.
      if (diagnose(error)?.code === "SQL_INVALID") return [];
      throw error;
    }
  };
}

/** ANALYZE's count where there is one; else the span of rowids, which no deletion inside it has made much too large. */
function createEstimate(database: DatabaseSync): (table: string, hasRowid: boolean) => number | undefined {
  const analyzed = database.prepare("select 1 from sqlite_schema where name = 'sqlite_stat1'").get() !== undefined;
  const counted = analyzed
    ? reader<[bigint | null]>(database, "select max(cast(stat as integer)) from sqlite_stat1 where tbl = ?")
    : () => [];
  const [pages] = reader<[bigint]>(
    database,
    "select page_count * page_size from pragma_page_count, pragma_page_size where ?1 is null",
  )(null);
  const mostRows = Number(pages?.[0] ?? 0n) / 4;
  return (table, hasRowid) => {
    const count = counted(table)[0]?.[0];
    if (count !== undefined && count !== null) return Number(count);
    if (!hasRowid) return undefined;
    const quoted = `"${table.replaceAll('"', '""')}"`;
    const [span] = reader<[bigint]>(
      database,
      `select coalesce((select max(rowid) from ${quoted}) - (select min(rowid) from ${quoted}) + 1, 0) where ?1 is null`,
    )(null);
    const rows = Number(span?.[0] ?? 0n);
    return rows <= mostRows ? rows : undefined;
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

function toIndex(rows: readonly IndexRow[]): CatalogIndex {
  const [name = "", unique = 0n, definition = null] = rows[0] ?? [];
  const terms = indexTerms(definition ?? "");
  return { name, unique: unique === 1n, columns: rows.map(([, , , column], index) => column ?? terms[index] ?? "") };
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
