import type { SQLInputValue, StatementSync } from "node:sqlite";
import type { Params } from "../../core/contract/driver.ts";
import type { Value } from "../../core/contract/rows.ts";
import { parameterNames } from "./lexer.ts";
import { refusal } from "./refusal.ts";

/** The arguments `iterate`, `all` and `run` take: values in order, or one record of values by name. */
export type Bound = readonly [Record<string, SQLInputValue>] | readonly SQLInputValue[];

const mostPlaceholders = 32_766;

/** Checks the parameters against the statement and turns them into what SQLite binds; node:sqlite leaves what is not given NULL. */
export function bindable(statement: StatementSync, sql: string, params: Params): Bound {
  if (isList(params) && params.length === 0 && !/[?:@$]/.test(sql)) return [];
  const names = parameterNames(sql);
  return isList(params) ? bindInOrder(statement, params, names) : bindByName(statement, params, names);
}

function isList(params: Params): params is readonly Value[] {
  return Array.isArray(params);
}

function bindInOrder(statement: StatementSync, params: readonly Value[], names: readonly string[]): Bound {
  if (names.length > 0) throw mismatch(`The statement names its parameters: ${list(names)}`, "Give the parameters by name");
  if (!takes(statement, params.length) || takes(statement, params.length + 1)) {
    const expected = placeholders(statement);
    throw mismatch(
      `The statement has ${expected} ${expected === 1 ? "parameter" : "parameters"} and ${params.length} ${params.length === 1 ? "was" : "were"} given`,
      `Give ${expected}, in the order of the statement`,
    );
  }
  return params.map((value, index) => cell(value, String(index + 1)));
}

function bindByName(statement: StatementSync, params: Readonly<Record<string, Value>>, names: readonly string[]): Bound {
  const missing = names.find((name) => !Object.hasOwn(params, name.slice(1)));
  if (missing !== undefined) throw mismatch(`Parameter "${missing.slice(1)}" is not given`, `Give ${list(names)}`);
  const spare = Object.keys(params).find((name) => !names.some((known) => known.slice(1) === name));
  if (spare !== undefined) {
    throw mismatch(
      `The statement has no parameter "${spare}"`,
      names.length > 0 ? `Give ${list(names)}` : `Write :${spare} where the value belongs`,
    );
  }
  if (takes(statement, 1))
    throw mismatch("The statement has parameters without a name", "Give the parameters as a list, or name all of them");
  // The prefix belongs to the name: `:a` and `@a` may stand in one statement.
  statement.setAllowBareNamedParameters(false);
  return names.length === 0 ? [] : [Object.fromEntries(names.map((name) => [name, cell(params[name.slice(1)] ?? null, name.slice(1))]))];
}

/** Whether the engine has a place for so many values; binds and runs nothing. */
function takes(statement: StatementSync, count: number): boolean {
  try {
    statement.iterate(...new Array<null>(count).fill(null));
    return true;
  } catch {
    return false;
  }
}

function placeholders(statement: StatementSync): number {
  let least = 0;
  let most = mostPlaceholders;
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (takes(statement, middle)) least = middle;
    else most = middle - 1;
  }
  return least;
}

/** Integers are bound as INTEGER: node:sqlite makes every number a REAL, and `? / 2` would be a fraction. */
function cell(value: Value, name: string): SQLInputValue {
  if (value === null || value instanceof Uint8Array) return value;
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value === "bigint") {
    if (BigInt.asIntN(64, value) !== value) throw mismatch(`Parameter ${name} does not fit 64 bits`, "Give it as text");
    return value;
  }
  if (typeof value === "number") {
    if (Number.isNaN(value)) throw mismatch(`Parameter ${name} is NaN, which SQLite cannot keep`, "Give null or a text");
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value;
  }
  if (typeof value !== "string") throw mismatch(`Parameter ${name} is a list or record, which SQLite cannot bind`, "Give it as JSON text");
  if (!value.isWellFormed()) throw mismatch(`Parameter ${name} is not well-formed Unicode`, "Give the bytes instead of the text");
  return value;
}

function list(names: readonly string[]): string {
  return names.map((name) => `"${name.slice(1)}"`).join(", ");
}

function mismatch(message: string, hint: string): Error {
  return refusal({ code: "INPUT_INVALID", message, hint });
}
