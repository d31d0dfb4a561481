import type { Diagnosis } from "../../../core/contract/problem.ts";
import { refusal } from "../refusal.ts";
import { Unresolved } from "./unresolved.ts";

export interface Token {
  readonly kind: "word" | "quoted" | "text" | "number" | "variable" | "setting" | "parameter" | "symbol" | "end";
  /** Names without their quotes, everything else as it stands. */
  readonly text: string;
  /** What may be a keyword in lower case, and symbols; empty for whatever can be neither. */
  readonly word: string;
  readonly start: number;
  readonly end: number;
}

/** A statement as every server version reads it, in the one way there is. */
export interface Lexed {
  readonly text: string;
  readonly tokens: readonly Token[];
}

const blank = /[ \t\n\v\f\r]+/y;
const word = /[\w$\u0080-\uffff]+/y;
const number = /0x[0-9a-fA-F]+|0b[01]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const setting = /@@(?:(?:global|session|local)\.)?[A-Za-z_][\w$]*/iy;
const parameter = /\?|:[A-Za-z_][\w$]*/y;
const symbols = /<=>|->>|->|:=|<<|>>|<>|!=|<=|>=|\|\||&&|[-()+*/%^|&~!<>=,.;{}]/y;

/** What only says how MySQL is to look for rows stays; other hints change settings and limits. */
const hint =
  "(?:no_)?(?:bka|bnl|hash_join|merge|mrr|icp|range_optimization|skip_scan|index_merge|(?:group_|join_|order_)?index|semijoin|derived_condition_pushdown)|join_(?:order|prefix|suffix|fixed_order)|subquery|qb_name";
const hints = new RegExp(`^/\\*\\+(?:\\s*(?:${hint})\\s*\\([\\w\\s,@.]*\\))+\\s*\\*/$`, "i");

/**
 * Reads a statement under the sql_mode this driver pins, and writes it out without comments: only tokens that every
 * version of both servers takes for the same. @throws Unresolved for the others, and a refusal for comments that are run
 */
export function lex(sql: string): Lexed {
  const state: State = { sql, at: 0, text: "", tokens: [] };
  while (state.at < sql.length) {
    const skipped = match(blank, sql, state.at);
    if (skipped > 0) {
      state.text += sql.slice(state.at, state.at + skipped);
      state.at += skipped;
      continue;
    }
    const comment = commentLength(sql, state.at);
    if (comment > 0) {
      const written = sql.slice(state.at, state.at + comment);
      state.text += hints.test(written) ? written : written.replace(/[^\n]/g, " ");
      state.at += comment;
    } else readToken(state);
  }
  return { text: state.text, tokens: state.tokens };
}

interface State {
  readonly sql: string;
  at: number;
  text: string;
  readonly tokens: Token[];
}

const executable: Diagnosis = {
  code: "POLICY_DENIED",
  message: "Comments that the server runs (/*! … */, /*M! … */) are not accepted: what they do depends on the server's version",
  hint: "Write what stands in the comment as plain SQL, without the comment's signs, or leave it out",
};

/** The length of the comment that begins here, and 0 where none does. */
function commentLength(sql: string, at: number): number {
  const next = sql[at + 1];
  if (sql[at] === "#" || (sql[at] === "-" && next === "-" && isBlankAfter(sql, at + 2))) {
    const end = sql.indexOf("\n", at);
    return (end < 0 ? sql.length : end) - at;
  }
  if (sql[at] !== "/" || next !== "*") return 0;
  if (/[mM]?!/y.test(sql.slice(at + 2, at + 4))) throw refusal(executable);
  const end = sql.indexOf("*/", at + 2);
  if (end < 0) throw new Unresolved("a comment that has no end", "Close the comment with */");
  return end + 2 - at;
}

/** Two signs begin a comment only before a blank or at the end. */
function isBlankAfter(sql: string, at: number): boolean {
  const next = sql.charCodeAt(at);
  if (next < 0x20 && !(next >= 9 && next <= 13)) throw odd(sql, at);
  return Number.isNaN(next) || next <= 0x20;
}

function readToken(state: State): void {
  const { sql, at } = state;
  const first = sql[at] as string;
  if (first === "'" || first === '"') return void add(state, "text", closing(sql, at, first));
  if (first === "`") return void add(state, "quoted", closing(sql, at, first));
  if (first === "@") return void readVariable(state);
  const digits = isAfterPoint(state) ? 0 : match(number, sql, at);
  if (digits > 0) return void readNumber(state, digits);
  const length = match(word, sql, at);
  if (length > 0) return void readWord(state, length);
  const given = match(parameter, sql, at);
  if (given > 0) return void add(state, "parameter", given);
  const sign = match(symbols, sql, at);
  if (sign === 0 || sql.startsWith("*/", at)) throw odd(sql, at);
  const previous = state.tokens.at(-1);
  // Two of them could be taken for a comment.
  if (first === "-" && previous?.word === "-" && previous.end === state.text.length) state.text += " ";
  add(state, "symbol", sign);
}

/** A point right behind a name, and what follows it, belong to the name: `t.1e5` has no number. */
function isAfterPoint({ text, tokens }: State): boolean {
  const point = tokens.at(-1);
  if (point?.word !== "." || point.end !== text.length) return false;
  const owner = tokens.at(-2);
  return (owner?.kind === "word" || owner?.kind === "quoted") && owner.end === point.start;
}

/** The servers split `1e5from` and read `1from` as a name; what is neither is asked for in another way. */
function readNumber(state: State, length: number): void {
  const { sql, at } = state;
  const previous = state.tokens.at(-1);
  const touches = previous !== undefined && previous.end === state.text.length;
  if (sql[at] === "." && touches && (previous.kind === "word" || previous.kind === "quoted" || previous.kind === "number"))
    throw odd(sql, at);
  const all = match(word, sql, at);
  const raw = sql.slice(at, at + length);
  if (all > length && /^\d+[A-Za-z_\u0080-\uffff]/.test(sql.slice(at, at + all)) && !/^(?:0[xXbB]|\d+[eE])/.test(sql.slice(at, at + all)))
    return void readWord(state, all);
  if (match(word, sql, at + length) > 0 || /^0[XB]/.test(raw) || (raw.endsWith(".") && sql[at + length] === "."))
    throw new Unresolved(`"${sql.slice(at, at + Math.max(all, length + 8))}"`, "Put a blank after the number");
  add(state, "number", length);
}

function readWord(state: State, length: number): void {
  const { sql, at } = state;
  const raw = sql.slice(at, at + length);
  const isName = isAfterPoint(state);
  if (raw.startsWith("$")) throw new Unresolved(`"${raw}"`, "Put the name between backticks");
  if (!isName && sql[at + length] === "'" && /^[nN]$/.test(raw)) return void add(state, "text", length + closing(sql, at + length, "'"));
  if (!isName && sql[at + length] === "'" && /^[xXbB]$/.test(raw)) {
    const end = closing(sql, at + length, "'");
    const digits = sql.slice(at + length + 1, at + length + end - 1);
    if (!(/^[xX]$/.test(raw) ? /^(?:[0-9a-fA-F]{2})*$/ : /^[01]*$/).test(digits)) throw odd(sql, at);
    return void add(state, "text", length + end);
  }
  // Behind a point a keyword is a name; between backticks no older reader takes it for anything else.
  if (isName && /^\d/.test(raw)) {
    const start = state.text.length;
    state.text += `\`${raw}\``;
    state.tokens.push({ kind: "quoted", text: raw, word: "", start, end: state.text.length });
    state.at += length;
    return;
  }
  add(state, "word", length, isName ? "" : raw.toLowerCase());
}

function readVariable(state: State): void {
  const { sql, at } = state;
  const length = match(setting, sql, at);
  if (length > 0) {
    if (/[\w$.`\u0080-\uffff]/.test(sql[at + length] ?? "")) throw odd(sql, at);
    return void add(state, "setting", length);
  }
  const next = sql[at + 1] ?? "";
  if (next === "@") throw odd(sql, at);
  const name =
    "'\"`".includes(next) && next !== "" ? closing(sql, at + 1, next) : (/^[\w$.\u0080-\uffff]*/.exec(sql.slice(at + 1))?.[0].length ?? 0);
  add(state, "variable", 1 + name);
}

function add(state: State, kind: Token["kind"], length: number, keyword?: string): void {
  const raw = state.sql.slice(state.at, state.at + length);
  const start = state.text.length;
  const text = kind === "quoted" ? raw.slice(1, -1).replaceAll("``", "`") : raw;
  state.text += raw;
  state.at += length;
  state.tokens.push({ kind, text, word: keyword ?? (kind === "symbol" ? raw : ""), start, end: start + length });
}

/** The length of what stands between quotes, with both of them. */
function closing(sql: string, start: number, quote: string): number {
  for (let at = start + 1; at < sql.length; at++) {
    if (sql[at] === "\\" && quote !== "`") at++;
    else if (sql[at] === quote && sql[at + 1] === quote) at++;
    else if (sql[at] === quote) return at + 1 - start;
  }
  throw new Unresolved("a text that has no end", `Close it with ${quote}`);
}

function match(pattern: RegExp, sql: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0].length ?? 0;
}

const odd = (sql: string, at: number): Unresolved => new Unresolved(`"${sql.slice(at, at + 12).replace(/[\p{Cc}\s]+/gu, " ")}"`);
