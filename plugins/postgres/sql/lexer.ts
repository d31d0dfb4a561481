/**
 * PostgreSQL's own tokens with standard_conforming_strings on, near enough to find words and
 * statement ends. Safety never rests on it: the server refuses a second statement by itself.
 */
const tokens =
  /(?<blank>[ \t\n\f\r\v]+|--[^\n\r]*)|(?<comment>\/\*)|(?<quoted>[eE]'(?:[^'\\]|\\[\s\S]|'')*'?|(?:[uU]&|[bBxXnN])?'(?:[^']|'')*'?)|(?<name>(?:[uU]&)?"(?:[^"]|"")*"?)|(?<dollar>\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)|(?<param>\$\d+)|(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|(?<number>\d[\w.]*|\.\d[\w.]*)|(?<other>::|:=|[\s\S])/y;

export type TokenKind = "quoted" | "name" | "param" | "word" | "number" | "other";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly start: number;
}

/** Everything but blanks and comments. */
export function tokensOf(sql: string): Token[] {
  const found: Token[] = [];
  for (let at = 0; at < sql.length; ) {
    tokens.lastIndex = at;
    const match = tokens.exec(sql);
    const [kind, text] = Object.entries(match?.groups ?? {}).find(([, value]) => value !== undefined) ?? ["other", sql.charAt(at)];
    const end =
      kind === "comment" ? commentEnd(sql, at) : kind === "dollar" ? dollarEnd(sql, at, text as string) : at + (text as string).length;
    if (kind === "dollar") found.push({ kind: "quoted", text: sql.slice(at, end), start: at });
    else if (kind !== "blank" && kind !== "comment") found.push({ kind: kind as TokenKind, text: text as string, start: at });
    at = end;
  }
  return found;
}

/** Comments nest. */
function commentEnd(sql: string, start: number): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = start;
  let depth = 0;
  for (let mark = marks.exec(sql); mark !== null; mark = marks.exec(sql)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return sql.length;
}

function dollarEnd(sql: string, start: number, tag: string): number {
  const end = sql.indexOf(tag, start + tag.length);
  return end === -1 ? sql.length : end + tag.length;
}

/** The tokens of each statement; semicolons inside `BEGIN ATOMIC … END` bodies are the engine's to judge. */
export function statementsOf(sql: string): Token[][] {
  const statements: Token[][] = [[]];
  for (const token of tokensOf(sql)) {
    if (token.kind === "other" && token.text === ";") statements.push([]);
    else statements.at(-1)?.push(token);
  }
  return statements.filter((statement) => statement.length > 0);
}

/** The text from the first token to the last, without what ends it. */
export function bodyOf(sql: string): string {
  const statement = statementsOf(sql)[0] ?? [];
  const last = statement.at(-1);
  return last === undefined ? "" : sql.slice(statement[0]?.start, last.start + last.text.length);
}
