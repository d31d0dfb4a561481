import { refusal } from "../refusal.ts";

/** The shortest decimal that means this very float of 32 bits: 0.1, not 0.10000000149011612. */
export function shortestFloat(value: number): number {
  for (let digits = 6; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

/** The bits of a BIT column as the number they stand for. */
export function bitValue(bytes: Buffer, at: number, length: number): number | bigint {
  let value = 0n;
  for (let index = at; index < at + length; index++) value = (value << 8n) | BigInt(bytes[index] as number);
  return narrowed(value);
}

export function narrowed(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/**
 * MySQL keeps a geometry as its reference system and WKB. The system goes into the WKB as PostGIS
 * writes it (EWKB) unless it is 0: the bytes are then plain WKB.
 */
export function geometryBytes(bytes: Buffer, at: number, length: number): Uint8Array {
  const wkb = new Uint8Array(bytes.subarray(at + 4, at + length));
  const srid = length >= 9 ? bytes.readUInt32LE(at) : 0;
  if (srid === 0) return wkb;
  const extended = new Uint8Array(wkb.length + 4);
  extended.set(wkb.subarray(0, 5));
  extended[4] = (extended[4] as number) | 0x20;
  new DataView(extended.buffer).setUint32(5, srid, true);
  extended.set(wkb.subarray(5), 9);
  return extended;
}

/** A text whose bytes are not UTF-8 cannot be handed on as text. */
export function textValue(bytes: Buffer, at: number, end: number, name: string): string {
  const text = bytes.toString("utf8", at, end);
  if (text.includes("\ufffd") && !Buffer.from(text).equals(bytes.subarray(at, end))) throw unreadable(name);
  return text;
}

function unreadable(column: string): Error {
  const message = `Column "${column}" holds text that is not valid UTF-8, and it cannot be read exactly`;
  return refusal({ code: "UNSUPPORTED", message, hint: `Read its bytes with cast(\`${column}\` as binary)` });
}
