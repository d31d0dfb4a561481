import type { CatalogColumn, CatalogIndex, CatalogObject, ForeignKey, ObjectKind } from "../../../core/contract/catalog.ts";
import { declaredLogical, declaredType } from "../values/types.ts";
import { quoted } from "./queries.ts";

export type Row = readonly (string | null)[];

/** The rows of each query, by table. */
export interface Found {
  readonly columns: ReadonlyMap<string, readonly Row[]>;
  readonly indexes: ReadonlyMap<string, readonly Row[]>;
  readonly foreignKeys: ReadonlyMap<string, readonly Row[]>;
  readonly checks: ReadonlyMap<string, readonly Row[]>;
  readonly views: ReadonlyMap<string, readonly Row[]>;
}

const kinds: Readonly<Record<string, ObjectKind>> = { VIEW: "view", "SYSTEM VIEW": "view", SEQUENCE: "sequence" };
/** Storage engines with transactions, in lower case. */
const transactional: ReadonlySet<string> = new Set(["innodb", "rocksdb", "tokudb", "ndbcluster", "ndb", "columnstore"]);
const jsonCheck = /^json_valid\(`((?:[^`]|``)*)`\)$/i;

/** The rows of each object, in the order of their third and fourth column. */
export function byObject(rows: readonly Row[]): Map<string, Row[]> {
  const found = new Map<string, Row[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const list = found.get(key);
    if (list === undefined) found.set(key, [row]);
    else list.push(row);
  }
  for (const list of found.values()) list.sort((a, b) => order(a[2], b[2]) || Number(a[3]) - Number(b[3]));
  return found;
}

export function order(one: string | null = "", other: string | null = ""): number {
  return (one ?? "") < (other ?? "") ? -1 : one === other ? 0 : 1;
}

export function keyOf([schema, name]: Row): string {
  return `${schema}\0${name}`;
}

/** A table, view or sequence with its name, kind, comment, rows and size. */
export function named([schema, name, type, comment, rows, bytes, engine]: Row): CatalogObject {
  const kind = kinds[type ?? ""] ?? "table";
  const said = comment === "VIEW" && kind === "view" ? "" : comment;
  return {
    schema: schema ?? "",
    name: name ?? "",
    kind,
    ...(said && { comment: said }),
    ...(rows != null && kind === "table" && { estimatedRows: Number(rows) }),
    ...(bytes != null && kind === "table" && { bytes: Number(bytes) }),
    ...(engine != null && kind === "table" && !transactional.has(engine.toLowerCase()) && { transactional: false }),
  };
}

/** Adds what the details say of an object. */
export function described(
  object: CatalogObject,
  found: Found,
  facts: { readonly full: boolean; readonly isMariaDb: boolean },
): CatalogObject {
  if (object.kind === "sequence") return object;
  const key = keyOf([object.schema ?? null, object.name]);
  const indexes = groups(found.indexes.get(key) ?? []);
  const primary = indexes.find(([row]) => row?.[2] === "PRIMARY");
  const checks = found.checks.get(key) ?? [];
  const json = new Set(checks.map((row) => jsonColumn(row)).filter((name) => name !== undefined));
  const body = found.views.get(key)?.[0]?.[4];
  return {
    ...object,
    columns: (found.columns.get(key) ?? []).map((row) => toColumn(row, json.has(row[4] ?? ""), facts.isMariaDb)),
    ...(primary && { primaryKey: primary.map((row) => row[5] ?? "") }),
    foreignKeys: groups(found.foreignKeys.get(key) ?? []).map(toForeignKey),
    ...(facts.full && {
      indexes: indexes.filter((rows) => rows !== primary).map(toIndex),
      checks: checks.filter((row) => jsonColumn(row) === undefined).map((row) => row[4] ?? ""),
      ...(body && { definition: `create view ${quoted(object.name)} as ${body}` }),
    }),
  };
}

/** MariaDB keeps JSON as text with a check of its own: the column's type says as much. */
function jsonColumn(check: Row): string | undefined {
  return jsonCheck.exec(check[4] ?? "")?.[1]?.replaceAll("``", "`");
}

function toColumn(
  [, , , , name, columnType, nullable, initial, extra, expression, comment]: Row,
  isJson: boolean,
  isMariaDb: boolean,
): CatalogColumn {
  const nativeType = isJson && columnType === "longtext" ? "json" : declaredType(columnType ?? "");
  const generated = /(?:VIRTUAL|STORED|PERSISTENT) ?(?:GENERATED)?/i.test(extra ?? "") && expression !== null && expression !== "";
  const value = generated ? expression : (defaultOf(initial, extra ?? "", nativeType, isMariaDb) ?? null);
  return {
    name: name ?? "",
    type: declaredLogical(nativeType),
    nativeType,
    nullable: nullable === "YES",
    ...(value !== null && { default: value }),
    ...(generated && { generated: true }),
    ...(comment && { comment }),
  };
}

/** MariaDB writes defaults as SQL, MySQL without the quotes around texts. */
function defaultOf(initial: string | null | undefined, extra: string, nativeType: string, isMariaDb: boolean): string | undefined {
  if (/auto_increment/i.test(extra)) return "auto_increment";
  if (initial == null || (isMariaDb && initial === "NULL")) return undefined;
  if (isMariaDb || /DEFAULT_GENERATED/.test(extra) || ["int", "bigint", "float", "decimal"].includes(declaredLogical(nativeType)))
    return initial;
  return /^(?:CURRENT_TIMESTAMP|b'|0x|_)/i.test(initial) ? initial : `'${initial.replaceAll("'", "''")}'`;
}

function toIndex(rows: readonly Row[]): CatalogIndex {
  return { name: rows[0]?.[2] ?? "", unique: rows[0]?.[4] === "0", columns: rows.map((row) => row[5] ?? row[6] ?? "") };
}

function toForeignKey(rows: readonly Row[]): ForeignKey {
  return {
    columns: rows.map((row) => row[4] ?? ""),
    references: { schema: rows[0]?.[5] ?? "", name: rows[0]?.[6] ?? "", columns: rows.map((row) => row[7] ?? "") },
  };
}

/** Rows that follow each other and share a third column. */
function groups(rows: readonly Row[]): Row[][] {
  const found: Row[][] = [];
  for (const row of rows) {
    const last = found.at(-1);
    if (last?.[0]?.[2] === row[2]) last?.push(row);
    else found.push([row]);
  }
  return found;
}
