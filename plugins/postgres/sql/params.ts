import type { Params } from "../../../core/contract/driver.ts";
import type { Value } from "../../../core/contract/rows.ts";
import { refusal } from "../refusal.ts";
import { tokensOf } from "./lexer.ts";

/** A text with numbered parameters only, and the values in their order. */
export interface Numbered {
  readonly sql: string;
  readonly values: readonly Value[];
  /** Where a place of `sql` stands in the text the caller wrote. */
  original(position: number): number;
}

/** PostgreSQL knows `$1` only: `:name` is numbered here. Without values it is only read. */
export function numbered(sql: string, params: Params | undefined): Numbered {
  if (params !== undefined && isList(params)) return { sql, values: params, original: (position) => position };
  const uses = sql.includes(":") ? namedUses(sql) : [];
  const names = [...new Set(uses.map(({ name }) => name))];
  const replaced = replaceAt(
    sql,
    uses.map(({ name, start }) => ({ start, end: start + name.length + 1, by: `$${names.indexOf(name) + 1}` })),
  );
  return { ...replaced, values: params === undefined ? [] : valuesOf(names, params) };
}

function valuesOf(names: readonly string[], params: Readonly<Record<string, Value>>): Value[] {
  const missing = names.find((name) => !Object.hasOwn(params, name));
  if (missing !== undefined) throw mismatch(`Parameter "${missing}" is not given`, `Give ${names.map((name) => `"${name}"`).join(", ")}`);
  const spare = Object.keys(params).find((name) => !names.includes(name));
  if (spare !== undefined)
    throw mismatch(`The statement has no parameter "${spare}"`, `Write :${spare} where the value belongs, or leave it out`);
  return names.map((name) => params[name] ?? null);
}

export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly by: string;
}

/** Replaces pieces of a text, and knows the way back. */
export function replaceAt(sql: string, pieces: readonly Replacement[]): Pick<Numbered, "sql" | "original"> {
  let text = "";
  let end = 0;
  const shifts: { readonly at: number; readonly by: number }[] = [];
  for (const piece of pieces) {
    text += sql.slice(end, piece.start) + piece.by;
    end = piece.end;
    shifts.push({ at: text.length, by: end - text.length });
  }
  return {
    sql: text + sql.slice(end),
    original: (position) => position + (shifts.findLast(({ at }) => at <= position)?.by ?? 0),
  };
}

/** A colon that touches the word after it and nothing before it: `a[1:b]` and `x::int` are none. */
function namedUses(sql: string): { readonly name: string; readonly start: number }[] {
  const tokens = tokensOf(sql);
  return tokens.flatMap((token, index) => {
    const start = token.start - 1;
    if (
      token.kind !== "word" ||
      tokens[index - 1]?.text !== ":" ||
      sql[start] !== ":" ||
      /[\w$\])":\u0080-\uffff]/.test(sql[start - 1] ?? "")
    )
      return [];
    return [{ name: token.text, start }];
  });
}

/** Refuses too few and too many values. */
export function checkCount(expected: number, given: number): void {
  if (expected === given) return;
  const count = (number: number) => `${number === 0 ? "no" : number} parameter${number === 1 ? "" : "s"}`;
  throw mismatch(
    `The statement takes ${count(expected)}, but ${given === 0 ? "none" : given} ${given === 1 ? "was" : "were"} given`,
    "Give a value for each of $1, $2 and so on",
  );
}

function isList(params: Params): params is readonly Value[] {
  return Array.isArray(params);
}

function mismatch(message: string, hint: string): Error {
  return refusal({ code: "INPUT_INVALID", message, hint });
}
