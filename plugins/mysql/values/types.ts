import type { Column, LogicalType } from "../../../core/contract/rows.ts";
import { binaryCharset, type ColumnDefinition, columnFlag, typeCode } from "../wire/definition.ts";

/** utf8mb4 is what every text arrives in: lengths are told in its largest characters. */
const bytesPerCharacter = 4;
const bytesPerDimension = 4;
const unknownDecimals = 31;

const integers: Readonly<Record<number, readonly [LogicalType, string]>> = {
  [typeCode.tiny]: ["int", "tinyint"],
  [typeCode.short]: ["int", "smallint"],
  [typeCode.int24]: ["int", "mediumint"],
  [typeCode.long]: ["int", "int"],
  [typeCode.longlong]: ["bigint", "bigint"],
};

/** Sizes of the four kinds of text and blob; text counts in characters. */
const sizes: readonly (readonly [number, string])[] = [
  [255, "tiny"],
  [65_535, ""],
  [16_777_215, "medium"],
];

/** MariaDB's types that travel as text. */
const extendedTypes: Readonly<Record<string, LogicalType>> = { json: "json", uuid: "uuid", inet4: "text", inet6: "text" };

export function toColumn(definition: ColumnDefinition): Column {
  const { name, schema, table, column } = definition;
  const [type, nativeType] = typeOf(definition);
  // A temporary table of the engine's own has a name and no column of that name in any schema.
  const isBase = table !== "" && column !== "" && schema !== "";
  return { name, type, nativeType, ...(isBase && { origin: { schema, table, column } }) };
}

export function typeOf(definition: ColumnDefinition): readonly [LogicalType, string] {
  const { type, flags, length, decimals, charset, extended } = definition;
  const unsigned = (flags & columnFlag.unsigned) !== 0;
  const suffix = (unsigned ? " unsigned" : "") + ((flags & columnFlag.zerofill) !== 0 ? " zerofill" : "");
  const integer = integers[type];
  if (integer !== undefined) {
    const [logical, native] = integer;
    const isFlag = type === typeCode.tiny && length === 1;
    return [unsigned && type === typeCode.long ? "bigint" : logical, native + (isFlag ? "(1)" : "") + suffix];
  }
  switch (type) {
    case typeCode.float:
    case typeCode.double: {
      const scale = decimals === unknownDecimals ? "" : `(${length},${decimals})`;
      return ["float", (type === typeCode.float ? "float" : "double") + scale + suffix];
    }
    case typeCode.decimal:
    case typeCode.newDecimal:
      return ["decimal", `decimal(${length - (decimals > 0 ? 1 : 0) - (unsigned ? 0 : 1)},${decimals})${suffix}`];
    case typeCode.date:
      return ["date", "date"];
    case typeCode.time:
      return ["time", `time${precision(decimals)}`];
    case typeCode.datetime:
      return ["timestamp", `datetime${precision(decimals)}`];
    case typeCode.timestamp:
      return ["timestamp", `timestamp${precision(decimals)}`];
    case typeCode.year:
      return ["int", "year"];
    case typeCode.bit:
      return ["bigint", `bit(${length})`];
    case typeCode.null:
      return ["unknown", "null"];
    case typeCode.json:
      return ["json", "json"];
    case typeCode.geometry:
      return ["bytes", extended ?? "geometry"];
    default:
      if (type === typeCode.vector || extended === "vector") return ["bytes", `vector(${length / bytesPerDimension})`];
      return extended !== undefined && extendedTypes[extended] !== undefined
        ? [extendedTypes[extended], extended]
        : [charset === binaryCharset ? "bytes" : "text", stringType(definition)];
  }
}

function stringType({ type, flags, length, charset }: ColumnDefinition): string {
  if ((flags & columnFlag.enum) !== 0) return "enum";
  if ((flags & columnFlag.set) !== 0) return "set";
  const binary = charset === binaryCharset;
  const characters = binary ? length : length / bytesPerCharacter;
  if (type >= typeCode.tinyBlob && type <= typeCode.blob) {
    return (sizes.find(([most]) => characters <= most)?.[1] ?? "long") + (binary ? "blob" : "text");
  }
  const fixed = type === typeCode.string;
  if (binary) return `${fixed ? "binary" : "varbinary"}(${characters})`;
  return `${fixed ? "char" : "varchar"}(${characters})`;
}

function precision(decimals: number): string {
  return decimals === 0 || decimals > 6 ? "" : `(${decimals})`;
}

/** A declared type as the catalog writes it, in the words results use: display widths say nothing about the values. */
export function declaredType(columnType: string): string {
  return columnType.replace(/^(smallint|mediumint|int|bigint|tinyint|year)\((\d+)\)/, (whole, name, width) =>
    name === "tinyint" && width === "1" ? whole : name,
  );
}

/** The logical type of a declared type. */
export function declaredLogical(nativeType: string): LogicalType {
  const word = /^\w+/.exec(nativeType)?.[0] ?? "";
  if (word === "int" && nativeType.includes("unsigned")) return "bigint";
  return declared[word] ?? extendedTypes[word] ?? "unknown";
}

const declared: Readonly<Record<string, LogicalType>> = {
  ...Object.fromEntries(Object.values(integers).map(([logical, native]) => [native, logical])),
  ...Object.fromEntries(["char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"].map((name) => [name, "text"])),
  ...Object.fromEntries(
    [
      ...["binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "geometry", "point", "linestring", "polygon"],
      ...["multipoint", "multilinestring", "multipolygon", "geometrycollection", "geomcollection", "vector"],
    ].map((name) => [name, "bytes"]),
  ),
  float: "float",
  double: "float",
  decimal: "decimal",
  date: "date",
  time: "time",
  datetime: "timestamp",
  timestamp: "timestamp",
  year: "int",
  bit: "bigint",
  json: "json",
};
