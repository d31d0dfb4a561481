import type { FunctionUse } from "../../../core/contract/analysis.ts";
import { trustedFunctions } from "./functions.ts";

/** Words that stand before a parenthesis and call nothing: of the grammar, and types that take a size. */
const grammar = new Set(
  `values in and or not any all some exists on using by over set select then when else case as from where having returning with filter within
  order partition limit offset between like ilike is distinct cast try_cast row struct map list array interval union intersect except lateral
  check key unique default generated always primary references constraint conflict columns exclude replace rename matched recursive
  materialized similar to escape glob grouping sets rollup cube ignore respect nulls exclude
  decimal numeric dec varchar char bpchar character nvarchar text string bit time timestamp float double enum position overlay substring
  trim extract coalesce ifnull try grouping`.split(/\s+/),
);

/** After these stands a name of something that has columns. */
const naming = new Set(["into", "table", "update", "view", "index", "exists", "references"]);

/**
 * What a statement calls of which the engine shows no tree: every word before a parenthesis that is neither grammar nor a name with
 * its columns. Too many in doubt. Names in `words` are in quotes where they were written so.
 */
export function calledIn(words: readonly string[], isWrite: boolean): FunctionUse[] {
  const called = new Map<string, FunctionUse>();
  for (const [at, word] of words.entries()) {
    if (words[at + 1] !== "(" || !/^["\w\u0080-\uffff]/.test(word)) continue;
    const name = (word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word).toLowerCase();
    if ((!word.startsWith('"') && grammar.has(name)) || isNamed(words, at, isWrite)) continue;
    called.set(name, { name, kind: "function", trusted: trustedFunctions.has(name) });
  }
  return [...called.values()];
}

/** `insert into t (a)`, `with t (a) as (…)`, `(…) t (a)`. */
function isNamed(words: readonly string[], at: number, isWrite: boolean): boolean {
  let start = at;
  while (words[start - 1] === ".") start -= 2;
  const before = words[start - 1]?.toLowerCase() ?? "";
  // What a write joins, or a macro stands for, may be a call.
  if (before === "on") return !isWrite;
  if (before === "as") return isWrite;
  if (before === ")" || naming.has(before)) return true;
  if (before !== "with" && before !== "recursive" && before !== ",") return false;
  const [as, ...more] = words.slice(closing(words, at + 1) + 1, closing(words, at + 1) + 5).map((word) => word.toLowerCase());
  return as === "as" && more.find((word) => word !== "not" && word !== "materialized") === "(";
}

function closing(words: readonly string[], open: number): number {
  let depth = 0;
  for (let at = open; at < words.length; at++) {
    if (words[at] === "(") depth++;
    else if (words[at] === ")" && --depth === 0) return at;
  }
  return words.length;
}
