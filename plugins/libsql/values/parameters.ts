import type { Params } from "../../../core/contract/driver.ts";
import type { Value } from "../../../core/contract/rows.ts";
import type { Args, Cell, Row } from "../engine.ts";
import { refusal } from "../refusal.ts";
import type { Piece } from "../sql/statements.ts";

const mostParameters = 32_766;

/** Checks the parameters against the statement and puts them in its order: the native engine leaves what is not given NULL. */
export function inOrder(piece: Piece, params: Params): Args {
  const places = placesOf(piece);
  const names = [...new Set(places.filter((name) => name !== undefined).map((name) => name.slice(1)))];
  if (isList(params)) return { values: listed(params, places.length, names) };
  const missing = names.find((name) => !Object.hasOwn(params, name));
  if (missing !== undefined) throw mismatch(`Parameter "${missing}" is not given`, `Give ${list(names)}`);
  const spare = Object.keys(params).find((name) => !names.includes(name));
  if (spare !== undefined) {
    const hint = names.length > 0 ? `Give ${list(names)}` : `Write :${spare} where the value belongs`;
    throw mismatch(`The statement has no parameter "${spare}"`, hint);
  }
  if (places.includes(undefined))
    throw mismatch("The statement has parameters without a name", "Give the parameters as a list, or name all of them");
  const given = places.filter((name) => name !== undefined);
  return { values: given.map((name) => cellOf(params[name.slice(1)] ?? null, name.slice(1))), names: given };
}

function listed(params: readonly Value[], places: number, names: readonly string[]): Row {
  if (names.length > 0 && (params.length > 0 || places > 0))
    throw mismatch(`The statement names its parameters: ${list(names)}`, "Give the parameters by name");
  if (params.length !== places) {
    throw mismatch(
      `The statement has ${places} ${places === 1 ? "parameter" : "parameters"} and ${params.length} ${params.length === 1 ? "was" : "were"} given`,
      `Give ${places}, in the order of the statement`,
    );
  }
  return params.map((value, index) => cellOf(value, String(index + 1)));
}

/**
 * The statement's parameters as the engine numbers them: `?` takes the next number, `?7` the seventh, and a name
 * the next one where it first occurs. A name keeps its prefix: `:a` and `@a` may stand in one statement.
 */
function placesOf({ tokens }: Piece): (string | undefined)[] {
  const places: (string | undefined)[] = [];
  for (const { text } of tokens) {
    if (text === "?") places.push(undefined);
    else if (/^[:@$]./.test(text)) {
      if (!places.includes(text)) places.push(text);
    } else if (/^\?\d/.test(text)) {
      const number = Number(text.slice(1));
      // The engine says what is wrong with a number out of range.
      if (number <= mostParameters) while (places.length < number) places.push(undefined);
    }
  }
  return places;
}

function isList(params: Params): params is readonly Value[] {
  return Array.isArray(params);
}

/** Integers are bound as INTEGER: as a REAL, `? / 2` would be a fraction. */
function cellOf(value: Value, name: string): Cell {
  if (value === null || value instanceof Uint8Array) return value;
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value === "bigint") {
    if (BigInt.asIntN(64, value) !== value) throw mismatch(`Parameter ${name} does not fit 64 bits`, "Give it as text");
    return value;
  }
  if (typeof value === "number") {
    if (Number.isNaN(value)) throw mismatch(`Parameter ${name} is NaN, which libSQL cannot keep`, "Give null or a text");
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value;
  }
  if (typeof value !== "string") throw mismatch(`Parameter ${name} is a list or record, which libSQL cannot bind`, "Give it as JSON text");
  if (!value.isWellFormed()) throw mismatch(`Parameter ${name} is not well-formed Unicode`, "Give the bytes instead of the text");
  return value;
}

function list(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

function mismatch(message: string, hint: string): Error {
  return refusal({ code: "INPUT_INVALID", message, hint });
}
