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
const jsonCheck = /^json_valid\(`((?:[^`]|``)*)`\)$/i;

export function byTable(rows: readonly Row[] = []): Map<string, Row[]> {
  const found = new Map<string, Row[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const list = found.get(key);
    if (list === undefined) found.set(key, [row]);
    else list.push(row);
  }
  return found;
}

export function keyOf([schema, name]: Row): string {
  return `${schema}\0${name}`;
}

/** A table or view with its name, kind, comment and rows. */
export function named([schema, name, type, comment, rows]: Row): CatalogObject {
  const kind = kinds[type ?? ""] ?? "table";
  const said = comment === "VIEW" && kind === "view" ? "" : comment;
  return {
    schema: schema ?? "",
    name: name ?? "",
    kind,
    ...(said && { comment: said }),
    ...(rows != null && kind === "table" && { estimatedRows: Number(rows) }),
  };
}

export function routine([schema, name, , comment, definition]: Row): CatalogObject {
  return { schema: schema ?? "", name: name ?? "", kind: "routine", ...(comment && { comment }), ...(definition && { definition }) };
}

/** Adds what the details say of an object. */
export function described(
  object: CatalogObject,
  found: Found,
  facts: { readonly full: boolean; readonly isMariaDb: boolean },
): CatalogObject {
  const key = keyOf([object.schema ?? null, object.name]);
  const indexes = groups(found.indexes.get(key) ?? []);
  const primary = indexes.find(([row]) => row?.[2] === "PRIMARY");
  const checks = found.checks.get(key) ?? [];
  const json = new Set(checks.map((row) => jsonCheck.exec(row[3] ?? "")?.[1]?.replaceAll("``", "`")));
  const body = found.views.get(key)?.[0]?.[2];
  return {
    ...object,
    columns: (found.columns.get(key) ?? []).map((row) => toColumn(row, json.has(row[2] ?? ""), facts.isMariaDb)),
    ...(primary && { primaryKey: primary.map((row) => row[4] ?? "") }),
    foreignKeys: groups(found.foreignKeys.get(key) ?? []).map(toForeignKey),
    ...(facts.full && {
      indexes: indexes.filter((rows) => rows !== primary).map(toIndex),
      checks: checks.map((row) => row[3] ?? ""),
      ...(body && { definition: `create view ${quoted(object.name)} as ${body}` }),
    }),
  };
}

function toColumn(
  [, , name, columnType, nullable, initial, extra, expression, comment]: Row,
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
  return { name: rows[0]?.[2] ?? "", unique: rows[0]?.[3] === "0", columns: rows.map((row) => row[4] ?? row[5] ?? "") };
}

function toForeignKey(rows: readonly Row[]): ForeignKey {
  return {
    columns: rows.map((row) => row[3] ?? ""),
    references: { schema: rows[0]?.[4] ?? "", name: rows[0]?.[5] ?? "", columns: rows.map((row) => row[6] ?? "") },
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
