import type { CatalogColumn } from "../contract/catalog.ts";
import type { LogicalType } from "../contract/rows.ts";

interface ShortName {
  readonly short: string;
  /** The meanings under which the engine's word is that type; `int8` is eight bytes here and eight bits there. */
  readonly means: readonly LogicalType[];
}

const shortNames: Readonly<Record<string, ShortName>> = {
  boolean: { short: "bool", means: ["boolean", "list"] },
  int2: { short: "smallint", means: ["int"] },
  int4: { short: "int", means: ["int"] },
  int8: { short: "bigint", means: ["bigint"] },
  integer: { short: "int", means: ["int", "bigint", "list"] },
  "integer unsigned": { short: "uint", means: ["int", "bigint"] },
  "int unsigned": { short: "uint", means: ["int", "bigint"] },
  "bigint unsigned": { short: "ubigint", means: ["bigint", "decimal"] },
  "smallint unsigned": { short: "usmallint", means: ["int"] },
  "tinyint unsigned": { short: "utinyint", means: ["int"] },
  "double precision": { short: "double", means: ["float", "list"] },
  float8: { short: "double", means: ["float"] },
  numeric: { short: "dec", means: ["decimal", "list"] },
  decimal: { short: "dec", means: ["decimal", "list"] },
  character: { short: "char", means: ["text", "list"] },
  bpchar: { short: "char", means: ["text"] },
  "character varying": { short: "varchar", means: ["text", "list"] },
  timestamp: { short: "ts", means: ["timestamp"] },
  "timestamp without time zone": { short: "ts", means: ["timestamp", "list"] },
  timestamptz: { short: "tstz", means: ["timestamptz"] },
  "timestamp with time zone": { short: "tstz", means: ["timestamptz", "list"] },
  "time without time zone": { short: "time", means: ["time", "list"] },
  "time with time zone": { short: "timetz", means: ["time", "list"] },
};

/** Words, arguments in parentheses, words again, brackets: `timestamp(3) with time zone[]`. */
const shape = /^([a-z_]\w*(?: [a-z_]\w*)*)(?:\((\d+)(?:, ?(\d+))?\))?((?: [a-z_]\w*)*)((?:\[\d*\])*)$/i;
/** MySQL's display width says nothing about the values; `tinyint(1)` does, it is how booleans are kept. */
const hasDisplayWidth = /^(?:int|integer|bigint|smallint|mediumint)(?: unsigned)?$/;

/** The shortest name that means exactly the column's type; the engine's own word where no shorter one is certain. */
export function shortType({ nativeType, type }: Pick<CatalogColumn, "nativeType" | "type">): string {
  const [matched, before = "", length, scale, after = "", brackets = ""] = shape.exec(nativeType) ?? [];
  if (matched === undefined) return nativeType;
  const words = (before + after).toLowerCase();
  const entry = Object.hasOwn(shortNames, words) ? shortNames[words] : undefined;
  const known = entry?.means.includes(type) === true ? entry.short : undefined;
  const shouted = /^[A-Z][A-Z0-9_ ]*$/.test(before + after) ? words : before + after;
  const inParentheses = length === undefined || hasDisplayWidth.test(words) ? "" : `(${length}${scale === undefined ? "" : `,${scale}`})`;
  if (known === undefined && after !== "") return nativeType;
  return (known ?? shouted) + inParentheses + brackets;
}
