import type { Token } from "./lexer.ts";
import { calledWords, characterSets, reserved } from "./words.ts";

const set = (...lines: readonly string[]): ReadonlySet<string> => new Set(lines.flatMap((line) => line.split(" ")));

/** Functions that give a value, or null, for whatever they are given, and take no time over it. */
const safe = set(
  "lower upper lcase ucase concat concat_ws coalesce ifnull nullif if isnull left right mid substring substr substring_index length",
  "char_length character_length octet_length trim ltrim rtrim replace reverse locate instr position ascii strcmp field find_in_set",
  "greatest least year month day dayofmonth dayofweek dayofyear weekday week weekofyear yearweek quarter hour minute second microsecond",
  "date time dayname monthname last_day date_format now curdate curtime current_date current_time current_timestamp utc_date utc_time",
  "utc_timestamp datediff date_add date_sub adddate subdate timestampdiff to_days extract count sum avg min max group_concat values extract row",
  "against",
);

const conditions = set("where on having");
const queries = set("select with values table");
/** Before a query in parentheses that is no single value. */
const listing = set("exists in from join as union except intersect all any some");
const failing = set("div mod regexp rlike escape member binary collate / % ^ | & ~ << >> -> ->>");
/** Bytes that may be no text of any other character set. */
const bytes = /^(?:[xXbB]'|0[xb])/;

/**
 * Whether a condition may fail on a value, or be slow on one. The servers ask conditions of a caller before those of a subselect
 * where they merge the two, so such a one could be made to tell of rows that are filtered away.
 */
export function mayFail(tokens: readonly Token[]): boolean {
  const nested = tokens.filter(({ word }) => queries.has(word) || word === "json_table").length > 1;
  const start = nested || !queries.has(firstWord(tokens)) ? 0 : tokens.findIndex(({ word }) => conditions.has(word));
  return start >= 0 && tokens.some((_, at) => at >= start && fails(tokens, at));
}

/** Whether anything in the query of a view may fail: its columns are what a caller's conditions are about. */
export const mayFailAnywhere = (tokens: readonly Token[]): boolean => tokens.some((_, at) => fails(tokens, at));

/** Of the statement itself: a plan runs nothing, or runs that. */
const firstWord = (tokens: readonly Token[]): string =>
  tokens.find(({ word }) => word !== "(" && !["explain", "describe", "desc", "analyze", "extended", "partitions"].includes(word))?.word ??
  "";

function fails(tokens: readonly Token[], at: number): boolean {
  const [before, token, after] = [tokens[at - 1], tokens[at], tokens[at + 1]];
  if (token === undefined) return false;
  if (token.word === "*") return isOperand(before);
  if (token.word === "-" || token.word === "+") return after?.word !== "interval" && !(after?.kind === "number" && !isOperand(before));
  if (token.word === "(" && queries.has(after?.word ?? "")) return before !== undefined && !listing.has(before.word);
  if (
    failing.has(token.word) ||
    characterSets.has(token.word) ||
    ((token.kind === "text" || token.kind === "number") && bytes.test(token.text))
  )
    return true;
  if (after?.word !== "(" || !isNamed(token)) return false;
  return !safe.has(token.word) && !(reserved.has(token.word) && !calledWords.has(token.word));
}

const isNamed = ({ kind }: Token): boolean => kind === "word" || kind === "quoted";

/** Whether what ends here is a value: what follows is then between two. */
function isOperand(token: Token | undefined): boolean {
  if (token === undefined) return false;
  if (token.kind === "symbol") return token.word === ")";
  return !(token.kind === "word" && (reserved.has(token.word) || token.word === "all" || token.word.startsWith("sql_")));
}
