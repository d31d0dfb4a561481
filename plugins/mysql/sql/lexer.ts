export type TokenKind = "word" | "quoted" | "text" | "number" | "variable" | "symbol" | "named" | "executable";

/** One piece of SQL that is no blank and no comment. */
export interface Token {
  readonly kind: TokenKind;
  /** Words in lower case, quoted names without quotes, everything else as it stands. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** What the server takes for blank, as it reads utf8mb4. */
const blank = /[ \t\n\v\f\r]+/y;
/** `--` starts a comment only before a blank, a control character or the end. */
const comment = /#[^\n]*|--(?=[\x00-\x20]|$)[^\n]*|\/\*(?!!|M!)[\s\S]*?(?:\*\/|$)/y;
/** The server runs what stands in these. */
const executable = /\/\*M?!/y;
const word = /[\w$\u0080-\uffff]+/y;
const number = /(?:0[xX][0-9a-fA-F]+|0b[01]+|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)(?![\w$\u0080-\uffff])/y;
const text = /'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|"(?:[^"\\]|\\[\s\S]|"")*(?:"|$)/y;
const quoted = /`(?:[^`]|``)*(?:`|$)/y;
const variable = /@@?(?:`(?:[^`]|``)*`|'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"|[\w$.\u0080-\uffff]*)/y;
const named = /:[A-Za-z_][\w$]*/y;

const readers: readonly (readonly [TokenKind, RegExp])[] = [
  ["text", text],
  ["quoted", quoted],
  ["variable", variable],
  ["named", named],
  ["number", number],
  ["word", word],
];

/**
 * Splits SQL as MySQL and MariaDB read it under the sql_mode this driver pins. It decides what may be tried,
 * never what is safe: the server itself refuses a second statement, and a write in a read-only transaction.
 */
export function tokens(sql: string): Token[] {
  const found: Token[] = [];
  for (let at = 0; at < sql.length; ) {
    const skipped = match(blank, sql, at) || match(comment, sql, at);
    if (skipped > 0) {
      at += skipped;
      continue;
    }
    const token = tokenAt(sql, at);
    found.push(token);
    at = token.end;
  }
  return found;
}

function tokenAt(sql: string, start: number): Token {
  if (match(executable, sql, start) > 0) return { kind: "executable", text: "/*!", start, end: sql.length };
  for (const [kind, pattern] of readers) {
    const length = match(pattern, sql, start);
    if (length === 0) continue;
    const raw = sql.slice(start, start + length);
    return { kind, text: meaning(kind, raw), start, end: start + length };
  }
  const symbol = sql.startsWith(":=", start) ? ":=" : (sql[start] as string);
  return { kind: "symbol", text: symbol, start, end: start + symbol.length };
}

function meaning(kind: TokenKind, raw: string): string {
  if (kind === "word") return raw.toLowerCase();
  return kind === "quoted" ? raw.slice(1, -1).replaceAll("``", "`") : raw;
}

function match(pattern: RegExp, sql: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0].length ?? 0;
}
