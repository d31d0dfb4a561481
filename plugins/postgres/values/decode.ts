import type { Value } from "../../../core/contract/rows.ts";
import { readList } from "./arrays.ts";
import { bytea, type TypeFacts } from "./types.ts";

/** Reads one cell from where it lies in the received bytes. */
export type Decoder = (bytes: Buffer, start: number, end: number) => Value;

export const text: Decoder = (bytes, start, end) => bytes.toString("utf8", start, end);

const minus = 45;

/** Digits of an integer that fits 32 bits, without a text in between. */
const int: Decoder = (bytes, start, end) => {
  const negative = bytes[start] === minus;
  let value = 0;
  for (let at = negative ? start + 1 : start; at < end; at++) value = value * 10 + (bytes[at] as number) - 48;
  return negative ? -value : value;
};

/** Up to 15 digits are exact as a number; core takes both, and writes both alike. */
const bigint: Decoder = (bytes, start, end) => {
  if (end - start < 16) return int(bytes, start, end);
  const value = BigInt(bytes.toString("latin1", start, end));
  return value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;
};

const float: Decoder = (bytes, start, end) => Number(bytes.toString("latin1", start, end));

const boolean: Decoder = (bytes, start) => bytes[start] === 0x74;

/** `\x` and two digits for each byte. */
const hex: Decoder = (bytes, start, end) => new Uint8Array(Buffer.from(bytes.toString("latin1", start + 2, end), "hex"));

const latin: Decoder = (bytes, start, end) => bytes.toString("latin1", start, end);

/** The decoder of a type; `facts` answers for the elements of lists. */
export function decoderOf(oid: number, facts: (oid: number) => TypeFacts | undefined): Decoder {
  const { logical = "text", element, delimiter = "," } = facts(oid) ?? {};
  if (element !== undefined) return listDecoder(decoderOf(element, facts), delimiter);
  if (oid === bytea) return hex;
  if (logical === "int") return int;
  if (logical === "bigint") return bigint;
  if (logical === "float") return float;
  if (logical === "boolean") return boolean;
  if (logical === "decimal" || logical === "date" || logical === "timestamp" || logical === "timestamptz" || logical === "uuid")
    return latin;
  return text;
}

function listDecoder(element: Decoder, delimiter: string): Decoder {
  const one = (value: string): Value => {
    const bytes = Buffer.from(value);
    return element(bytes, 0, bytes.length);
  };
  return (bytes, start, end) => readList(bytes.toString("utf8", start, end), delimiter, one);
}
