import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { roughCount } from "../../core/catalog/name.ts";
import { shortType } from "../../core/catalog/short-type.ts";
import type { LogicalType } from "../../core/contract/rows.ts";

const shortened: readonly (readonly [string, LogicalType, string])[] = [
  ["integer", "int", "int"],
  ["INTEGER", "bigint", "int"],
  ["int(11)", "int", "int"],
  ["int(10) unsigned", "bigint", "uint"],
  ["bigint(20) unsigned", "bigint", "ubigint"],
  ["tinyint(1)", "boolean", "tinyint(1)"],
  ["int8", "bigint", "bigint"],
  ["numeric(12,2)", "decimal", "dec(12,2)"],
  ["DECIMAL(38, 10)", "decimal", "dec(38,10)"],
  ["numeric", "decimal", "dec"],
  ["character varying(40)", "text", "varchar(40)"],
  ["VARCHAR", "text", "varchar"],
  ["character varying(40)[]", "list", "varchar(40)[]"],
  ["timestamp(3) with time zone", "timestamptz", "tstz(3)"],
  ["TIMESTAMP WITH TIME ZONE", "timestamptz", "tstz"],
  ["timestamp without time zone[]", "list", "ts[]"],
  ["TIMESTAMP", "timestamp", "ts"],
  ["double precision", "float", "double"],
  ["boolean", "boolean", "bool"],
  ["INTEGER[3][]", "list", "int[3][]"],
];

const verbatim: readonly (readonly [string, LogicalType])[] = [
  ["", "unknown"],
  ["timestamp", "bytes"],
  ["timestamp", "timestamptz"],
  ["Int8", "int"],
  ["decimal(10,2) unsigned", "decimal"],
  ["int(5) unsigned zerofill", "int"],
  ["enum('a','B')", "text"],
  ['STRUCT(a INTEGER, "B c" VARCHAR)', "unknown"],
  ["geometry(Point,4326)", "unknown"],
  ['"MyType"', "unknown"],
  ["sales.mood", "text"],
  ["constructor", "unknown"],
  ["real", "float"],
];

describe("short type names", () => {
  it("replace the engine's word where it means exactly that", () => {
    for (const [nativeType, type, short] of shortened) assert.equal(shortType({ nativeType, type }), short, nativeType);
  });

  it("leave the engine's word where a shorter one could be wrong", () => {
    for (const [nativeType, type] of verbatim) assert.equal(shortType({ nativeType, type }), nativeType);
  });
});

describe("row estimates", () => {
  it("are two digits and a unit, and absent when there is nothing to trust", () => {
    const counts: [number | undefined, string | undefined][] = [
      [0, "0"],
      [7.4, "7"],
      [999, "999"],
      [1000, "1k"],
      [1249, "1.2k"],
      [9960, "10k"],
      [999_499, "999k"],
      [999_500, "1M"],
      [5e9, "5G"],
      [2e18, "2000P"],
      [-1, undefined],
      [Number.NaN, undefined],
      [Number.POSITIVE_INFINITY, undefined],
      [undefined, undefined],
    ];
    for (const [rows, text] of counts) assert.equal(roughCount(rows), text);
  });
});
