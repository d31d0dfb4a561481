import type { LogicalType } from "../../../core/contract/rows.ts";

/** PostgreSQL's own types have fixed numbers: https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat */
const known: readonly (readonly [number, string, LogicalType, number])[] = [
  [16, "boolean", "boolean", 1000],
  [17, "bytea", "bytes", 1001],
  [18, '"char"', "text", 1002],
  [19, "name", "text", 1003],
  [20, "bigint", "bigint", 1016],
  [21, "smallint", "int", 1005],
  [23, "integer", "int", 1007],
  [25, "text", "text", 1009],
  [26, "oid", "bigint", 1028],
  [114, "json", "json", 199],
  [700, "real", "float", 1021],
  [701, "double precision", "float", 1022],
  [790, "money", "text", 791],
  [1042, "character", "text", 1014],
  [1043, "character varying", "text", 1015],
  [1082, "date", "date", 1182],
  [1083, "time without time zone", "time", 1183],
  [1114, "timestamp without time zone", "timestamp", 1115],
  [1184, "timestamp with time zone", "timestamptz", 1185],
  [1186, "interval", "interval", 1187],
  [1266, "time with time zone", "time", 1270],
  [1700, "numeric", "decimal", 1231],
  [2278, "void", "text", 0],
  [2950, "uuid", "uuid", 2951],
  [3802, "jsonb", "json", 3807],
];

export const json = 114;
export const jsonb = 3802;
export const bytea = 17;

/** What a type is, whatever its modifier. */
export interface TypeFacts {
  readonly logical: LogicalType;
  /** Of what a list is made, for values; absent for other types. */
  readonly element?: number;
  /** What stands between two elements in a list's text; `box` has a semicolon. */
  readonly delimiter?: string;
}

const scalars = new Map<number, TypeFacts>(known.map(([oid, , logical]) => [oid, { logical }]));
const lists = new Map<number, TypeFacts>(known.map(([oid, , , list]) => [list, { logical: "list", element: oid, delimiter: "," }]));
const names = new Map<number, string>(known.map(([oid, name]) => [oid, name]));
const listNames = new Map<number, string>(known.map(([, name, , list]) => [list, `${name}[]`]));

/** The numbers of all types that `builtIn` knows. */
export const builtInOids: readonly number[] = [...scalars.keys(), ...lists.keys()].filter((oid) => oid !== 0);

/** What is known without asking the server. */
export function builtIn(oid: number): TypeFacts | undefined {
  return scalars.get(oid) ?? lists.get(oid);
}

/** The name of a built-in type that has no modifier; others are the server's to name. */
export function builtInName(oid: number, modifier: number): string | undefined {
  return modifier === -1 ? (names.get(oid) ?? listNames.get(oid)) : undefined;
}
