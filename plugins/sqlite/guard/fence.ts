import { trustedFunctions } from "./functions.ts";
import type { KnownRelation, Names } from "./names.ts";
import { nameOf } from "./words.ts";

const listed = (...lines: readonly string[]): ReadonlySet<string> => new Set(lines.flatMap((line) => line.split(" ")));

/** Functions that give an answer for all values. */
const steady = listed(
  "lower upper length octet_length substr substring trim ltrim rtrim instr coalesce ifnull nullif iif if min max count avg total round",
  "date time datetime julianday unixepoch timediff strftime typeof sign floor ceil ceiling mod sqrt exp ln log log2 log10 pow power",
  "unicode likely unlikely likelihood random row_number rank dense_rank percent_rank cume_dist lag lead first_value last_value",
);

/** Those that fail where texts or sums grow beyond all bounds: within one query no value is, and sums are made when rows are chosen. */
const steadyAlone = listed("sum group_concat string_agg concat concat_ws ntile nth_value");

/** Words before a parenthesis that call nothing. */
const grammar = listed(
  "select from where on having and or not in exists as by when then else case over filter values using with recursive materialized union all",
  "except intersect join between is limit offset distinct cast order partition window group exclude",
);

/**
 * Whether something of a statement, or of a view that it names, could fail on one row and not on another: SQLite is free to look at
 * conditions in any order, and an error would tell of rows that are not there for the caller.
 */
export function mayFail(words: readonly string[], names: Names): boolean {
  const texts = textsOf(words, names);
  const alone = texts.flat().filter((word) => word === "select" || word === "values").length < 2;
  return texts.some((text) => text.some((_, at) => isFailing(text, at, alone)));
}

function textsOf(words: readonly string[], names: Names): (readonly string[])[] {
  const texts = [words];
  const seen = new Set<KnownRelation>();
  for (let at = 0; at < texts.length; at++)
    for (const word of texts[at] ?? []) {
      const relation = names.get(nameOf(word));
      if (relation === undefined || seen.has(relation)) continue;
      seen.add(relation);
      // Of what is computed from other columns only the calls are known.
      const computed = [...relation.computed.values()].flatMap((parts) =>
        [...parts].flatMap((part) => (trustedFunctions.has(part) ? [part, "("] : [])),
      );
      texts.push(relation.kind === "view" ? relation.words.slice(relation.words.indexOf("as")) : computed);
    }
  return texts;
}

function isFailing(text: readonly string[], at: number, alone: boolean): boolean {
  const [word = "", next = "", after = ""] = text.slice(at, at + 3);
  if (word === "escape" || (word === "-" && next === ">")) return true;
  if (word === "|") return next === "|" && !alone;
  // A pattern may be too long, or make no sense.
  if (/^(like|glob|match|regexp)$/.test(word)) return !/^['?:@$]/.test(next) || /^[|-]$/.test(after);
  if (next !== "(" || grammar.has(word) || !/^["`[\w\u0080-\uffff]/.test(word)) return false;
  const name = nameOf(word);
  return !steady.has(name) && !(alone && steadyAlone.has(name));
}

/** Keeps the conditions around a query from being looked at before its own. */
export const fence = " limit -1 offset 0";
