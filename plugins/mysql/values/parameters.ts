import type { Params } from "../../../core/contract/driver.ts";
import type { Value } from "../../../core/contract/rows.ts";
import { refusal } from "../refusal.ts";
import { typeCode } from "../wire/definition.ts";

const unsignedFlag = 0x80;
const blob = typeCode.blob;
const text = typeCode.varString;

interface Encoded {
  readonly type: number;
  readonly unsigned?: boolean;
  readonly bytes: Uint8Array;
}

/** Checks positional values against what the statement takes and writes them as COM_STMT_EXECUTE wants them. */
export function encodeParameters(values: readonly Value[], expected: number): Uint8Array {
  if (values.length !== expected) {
    throw mismatch(
      `The statement has ${expected} ${expected === 1 ? "parameter" : "parameters"} and ${values.length} ${values.length === 1 ? "was" : "were"} given`,
      expected === 0 ? "Give none" : expected === 1 ? "Give one" : `Give ${expected}, in the order of the statement`,
    );
  }
  if (expected === 0) return new Uint8Array();
  const nulls = new Uint8Array((expected + 7) >> 3);
  const encoded = values.map((value, index): Encoded => {
    if (value !== null) return encode(value, index + 1);
    nulls[index >> 3] = (nulls[index >> 3] as number) | (1 << (index & 7));
    return { type: typeCode.null, bytes: new Uint8Array() };
  });
  const types = encoded.flatMap(({ type, unsigned }) => [type, unsigned ? unsignedFlag : 0]);
  return Buffer.concat([nulls, Uint8Array.of(1, ...types), ...encoded.map(({ bytes }) => bytes)]);
}

function encode(value: NonNullable<Value>, position: number): Encoded {
  if (typeof value === "boolean") return { type: typeCode.longlong, bytes: long(value ? 1n : 0n) };
  if (typeof value === "bigint") return integer(value, position);
  if (typeof value === "number") {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) return integer(BigInt(value), position);
    if (!Number.isFinite(value)) throw mismatch(`Parameter ${position} is ${value}, which MySQL cannot keep`, "Give null or a text");
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    return { type: typeCode.double, bytes };
  }
  if (value instanceof Uint8Array) return { type: blob, bytes: sized(value) };
  if (typeof value !== "string")
    throw mismatch(`Parameter ${position} is a list or record, which MySQL cannot bind`, "Give it as JSON text");
  if (!value.isWellFormed()) throw mismatch(`Parameter ${position} is not well-formed Unicode`, "Give the bytes instead of the text");
  return { type: text, bytes: sized(Buffer.from(value)) };
}

function integer(value: bigint, position: number): Encoded {
  if (BigInt.asIntN(64, value) === value) return { type: typeCode.longlong, bytes: long(value) };
  if (BigInt.asUintN(64, value) === value) return { type: typeCode.longlong, unsigned: true, bytes: long(value) };
  throw mismatch(`Parameter ${position} does not fit 64 bits`, "Give it as text");
}

function long(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes;
}

function sized(bytes: Uint8Array): Uint8Array {
  const head = Buffer.alloc(9);
  head[0] = 0xfe;
  head.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** The values in the order of the names as they stand in the statement. */
export function inOrder(params: Params, names: readonly string[]): readonly Value[] {
  if (isList(params)) return params;
  const missing = names.find((name) => !Object.hasOwn(params, name));
  if (missing !== undefined) throw mismatch(`Parameter "${missing}" is not given`, `Give ${list(names)}`);
  const spare = Object.keys(params).find((name) => !names.includes(name));
  if (spare !== undefined) {
    const hint = names.length > 0 ? `Give ${list(names)}` : `Write :${spare} where the value belongs`;
    throw mismatch(`The statement has no parameter "${spare}"`, hint);
  }
  return names.map((name) => params[name] ?? null);
}

export function isList(params: Params): params is readonly Value[] {
  return Array.isArray(params);
}

function list(names: readonly string[]): string {
  return [...new Set(names)].map((name) => `"${name}"`).join(", ");
}

function mismatch(message: string, hint: string): Error {
  return refusal({ code: "INPUT_INVALID", message, hint });
}
