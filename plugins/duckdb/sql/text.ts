/** What the driver reads of SQL by itself: where blanks end. What a statement does is for the engine to say. */

/** The first character from `start` that is neither blank nor part of a comment. */
export function skipBlanks(sql: string, start: number): number {
  let at = start;
  while (at < sql.length) {
    if (/\s/.test(sql[at] as string)) at++;
    else if (sql.startsWith("--", at)) at = lineEnd(sql, at);
    else if (sql.startsWith("/*", at)) at = commentEnd(sql, at);
    else break;
  }
  return at;
}

/** True when the text holds nothing but blanks, comments and semicolons. */
export function isBlank(sql: string): boolean {
  let at = skipBlanks(sql, 0);
  while (sql[at] === ";") at = skipBlanks(sql, at + 1);
  return at >= sql.length;
}

/** The first two words of a statement, in lower case; opening parentheses before them are passed over. */
export function firstWords(sql: string): readonly [string, string] {
  let at = skipBlanks(sql, 0);
  while (sql[at] === "(") at = skipBlanks(sql, at + 1);
  const first = wordAt(sql, at);
  return [first, wordAt(sql, skipBlanks(sql, at + first.length))];
}

/** What `EXPLAIN [ANALYZE] [(options)] …` explains, and how; `undefined` when the text starts in another way. */
export function explained(sql: string): { readonly inner: string; readonly options: readonly string[] } | undefined {
  let at = skipBlanks(sql, 0);
  if (wordAt(sql, at) !== "explain") return undefined;
  at = skipBlanks(sql, at + "explain".length);
  const options: string[] = [];
  for (let word = wordAt(sql, at); /^(analy[sz]e|verbose)$/.test(word); word = wordAt(sql, at)) {
    if (word !== "verbose") options.push("analyze");
    at = skipBlanks(sql, at + word.length);
  }
  const list = /^\(\s*((?:format|analy[sz]e|verbose)\b[\w\s,]*)\)/i.exec(sql.slice(at));
  if (list?.[1] === undefined) return { inner: sql.slice(at), options };
  return { inner: sql.slice(at + list[0].length), options: [...options, ...list[1].split(",")] };
}

/** The text without the semicolon, blanks and comments that follow its only statement. */
export function withoutEnd(sql: string): string {
  let at = 0;
  while (at < sql.length && sql[at] !== ";") at = tokenEnd(sql, at);
  return sql.slice(0, at);
}

function tokenEnd(sql: string, at: number): number {
  const past = skipBlanks(sql, at);
  if (past > at) return past;
  const dollar = /^\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/.exec(sql.slice(at, at + 64))?.[0];
  if (dollar !== undefined) return closing(sql, dollar, at + dollar.length);
  if (/^e'/i.test(sql.slice(at, at + 2)) && !/[\w$\u0080-\uffff]/.test(sql[at - 1] ?? " ")) return escapedEnd(sql, at + 2);
  const quote = sql[at] as string;
  return quote === "'" || quote === '"' ? closing(sql, quote, at + 1) : at + 1;
}

/** A doubled quote ends one literal and starts the next, which comes to the same here. */
function closing(sql: string, mark: string, from: number): number {
  const end = sql.indexOf(mark, from);
  return end === -1 ? sql.length : end + mark.length;
}

function escapedEnd(sql: string, from: number): number {
  let at = from;
  while (at < sql.length && sql[at] !== "'") at += sql[at] === "\\" ? 2 : 1;
  return at + 1;
}

function wordAt(sql: string, at: number): string {
  return /^[A-Za-z_]+/.exec(sql.slice(at, at + 32))?.[0].toLowerCase() ?? "";
}

function lineEnd(sql: string, at: number): number {
  const end = sql.slice(at).search(/[\r\n]/);
  return end === -1 ? sql.length : at + end;
}

/** Comments nest, as in PostgreSQL. */
function commentEnd(sql: string, start: number): number {
  let depth = 0;
  let at = start;
  do {
    if (sql.startsWith("/*", at)) depth++;
    else if (sql.startsWith("*/", at)) depth--;
    else {
      at++;
      continue;
    }
    at += 2;
  } while (depth > 0 && at < sql.length);
  return Math.min(at, sql.length);
}
