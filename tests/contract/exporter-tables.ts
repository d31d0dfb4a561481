import fc from "fast-check";
import type { Column, LogicalType, Value } from "../../core/contract/rows.ts";

export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Value[])[];
}

/** A value as exact text, written here anew so that the suite does not judge the exporters by their own code. */
export function textOf(value: Value): string | null {
  if (value === null) return null;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (typeof value === "object") return JSON.stringify(value, (_, inner) => jsonOf(inner));
  return Object.is(value, -0) ? "-0" : String(value);
}

function jsonOf(value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}

const text = fc.string({ unit: "grapheme", maxLength: 12 });
/** Text made of what formats escape. */
const nasty = fc.string({
  unit: fc.constantFrom(
    '"',
    ",",
    "\n",
    "\r",
    "\t",
    "\\",
    "|",
    "'",
    "\0",
    "\u001b",
    "\u0085",
    "\u2028",
    "N",
    "&",
    "<",
    "=",
    "_x0041_",
    " ",
    "é",
    "日",
    "🐚",
  ),
  maxLength: 8,
});
const twoDigits = (max: number, min = 0) => fc.integer({ min, max }).map((number) => String(number).padStart(2, "0"));
const year = fc.integer({ min: 1, max: 9999 }).map((number) => String(number).padStart(4, "0"));
const day = fc.tuple(year, twoDigits(12, 1), twoDigits(28, 1)).map((parts) => parts.join("-"));
const date = fc.tuple(day, fc.constantFrom("", "", " (BC)")).map((parts) => parts.join(""));
/** Micros without trailing zeros, as engines write them. */
const fraction = fc
  .integer({ min: 0, max: 999_999 })
  .map((micros) => (micros === 0 ? "" : `.${String(micros).padStart(6, "0").replace(/0+$/, "")}`));
const time = fc.tuple(twoDigits(23), twoDigits(59), twoDigits(59), fraction).map(([h, m, s, f]) => `${h}:${m}:${s}${f}`);
const timestamp = fc.tuple(date, time).map((parts) => parts.join(" "));
const decimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 27n), max: 10n ** 27n }), fc.integer({ min: 0, max: 10 ** 9 }))
  .map(([whole, part]) => `${whole}.${String(part).padStart(10, "0")}`);
const inner = fc.oneof(text, fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), fc.boolean(), fc.constantFrom(null, 0, 1.5, Number.NaN));
const list = fc.oneof(fc.array(inner, { maxLength: 3 }), fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), inner, { maxKeys: 3 }));

const cells: Readonly<Record<LogicalType, readonly [string, fc.Arbitrary<Value>]>> = {
  boolean: ["BOOLEAN", fc.boolean()],
  int: ["INTEGER", fc.maxSafeInteger()],
  bigint: ["BIGINT", fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  float: ["DOUBLE", fc.double()],
  decimal: ["DECIMAL(38,10)", decimal],
  text: ["TEXT", fc.oneof(text, nasty)],
  bytes: ["BLOB", fc.uint8Array({ maxLength: 20 })],
  date: ["DATE", date],
  time: ["TIME", time],
  timestamp: ["TIMESTAMP", timestamp],
  timestamptz: ["TIMESTAMP WITH TIME ZONE", timestamp.map((moment) => `${moment}+00`)],
  interval: ["INTERVAL", fc.integer().map((days) => `${days} days 00:00:00.000001`)],
  uuid: ["UUID", fc.uuid()],
  json: ["JSON", fc.json({ maxDepth: 1 })],
  list: ["INTEGER[]", list as fc.Arbitrary<Value>],
  unknown: ["", fc.oneof(text, fc.integer())],
};

const types = Object.keys(cells) as LogicalType[];
const name = fc.oneof(fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9 _]{0,8}$/), fc.constantFrom('q"', "c,", "ü", "日本", "a|b"));
const column = fc
  .tuple(name, fc.constantFrom(...types))
  .map(([title, type]): Column => ({ name: title, type, nativeType: cells[type][0] }));

/** Tables of one to five columns with distinct names and up to nine rows, NULLs among them; `mixed` lets untyped columns mix types. */
export function anyTable(mixed: boolean): fc.Arbitrary<Table> {
  const cell = (type: LogicalType) => fc.option(type === "unknown" && !mixed ? text : cells[type][1], { freq: 4 });
  return fc
    .uniqueArray(column, { minLength: 1, maxLength: 5, selector: (each) => each.name.toLowerCase() })
    .chain((columns) =>
      fc
        .array(fc.tuple(...columns.map(({ type }) => cell(type))), { minLength: 1, maxLength: 9 })
        .map((rows): Table => ({ columns, rows })),
    );
}

const edge: readonly (readonly [LogicalType, string, readonly Value[]])[] = [
  ["boolean", "BOOLEAN", [true, false, null]],
  ["int", "INTEGER", [Number.MAX_SAFE_INTEGER, -2147483648, 0]],
  ["bigint", "BIGINT", [9223372036854775807n, -9223372036854775808n, 0]],
  ["bigint", "UBIGINT", [18446744073709551615n, 0n, null]],
  ["bigint", "HUGEINT", [10n ** 38n - 1n, 1n - 10n ** 38n, 9007199254740993n]],
  ["float", "DOUBLE", [Number.NaN, -0, 5e-324]],
  ["float", "DOUBLE", [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1.7976931348623157e308]],
  ["float", "DOUBLE", [0.1, 1 / 3, 1e21]],
  ["decimal", "DECIMAL(38,10)", ["9999999999999999999999999999.9999999999", "-0.0000000001", "0.0000000000"]],
  ["decimal", "numeric", ["1.10", "-12345678901234567890123456789012345678901234567890.5", "NaN"]],
  ["text", "TEXT", ["", "line\r\nnext\u0000\u001b[31m", "日本 é e\u0301 🐚 \u2028"]],
  ["text", "TEXT", ["=1+1", "\\N", "NULL"]],
  ["bytes", "BLOB", [new Uint8Array(0), Uint8Array.from({ length: 256 }, (_, index) => index), null]],
  ["date", "DATE", ["0044-03-15 (BC)", "9999-12-31", "1900-02-28"]],
  ["time", "TIME", ["00:00:00", "23:59:59.999999", "12:30:00"]],
  ["timestamp", "TIMESTAMP", ["0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "2024-02-29 12:34:56.5"]],
  ["timestamptz", "TIMESTAMP WITH TIME ZONE", ["0044-03-15 (BC) 12:00:00+00", "2024-06-30 23:59:59.999999+00", null]],
  ["interval", "INTERVAL", ["1 year 2 months -3 days 00:00:00.000001", "00:00:00", null]],
  ["uuid", "UUID", ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", null]],
  ["json", "JSON", ["null", '{"a":[1,2.50,"x"],"a":123456789012345678901234567890}', null]],
  ["list", "STRUCT(a BIGINT)[]", [[], [{ a: 9007199254740993n, b: [null, Number.NaN, "é"] }], null]],
  ["unknown", "", [null, null, null]],
];

/** Every type at its limits, one column each. */
export const extremes: Table = {
  columns: edge.map(([type, nativeType], index) => ({ name: `c${index}_${type}`, type, nativeType })),
  rows: [0, 1, 2].map((row) => edge.map(([, , values]) => values[row] ?? null)),
};

/** Names a database may return and a file may not take. */
export const oddNames = ["x", "x", "", "X", "x_2", 'a"b', "a,b", "a b", "ö", ""];

/** What becomes of them where a name must be there once; other names stay. */
export function toldApart(names: readonly string[], ignoreCase = false): readonly string[] {
  if (names.join() !== oddNames.join()) return names;
  return ["x", "x_3", "column_3", ignoreCase ? "X_4" : "X", "x_2", 'a"b', "a,b", "a b", "ö", "column_10"];
}
