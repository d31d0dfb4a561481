import type { Token } from "./lexer.ts";
import type { Piece } from "./statements.ts";

/**
 * The native engine hands text over up to its first U+0000, and ends the process over text that is not
 * Unicode; a server breaks the connection. So statements are rewritten: text comes as its bytes, and
 * bytes, which are rarer, as hexadecimal text.
 */
const asBytes = (cell: string) =>
  `case typeof(${cell}) when 'text' then cast(${cell} as blob) when 'blob' then hex(${cell}) else ${cell} end`;

/** A query whose cells come in that form. The inner limit keeps each cell from being computed more than once. */
export function exactQuery({ sql }: Piece, width: number): string {
  const names = Array.from({ length: width }, (_, index) => `c${index}`);
  return `with "tidegate:rows" (${names.join()}) as (\n${sql}\n) select ${names.map(asBytes).join()} from (select * from "tidegate:rows" limit -1) where 1`;
}

/** Where the list after `returning` begins among a writing statement's tokens; `undefined` when it has none, or only its plan is wanted. */
export function returningAt({ tokens }: Piece): number | undefined {
  if (tokens[0]?.word === "explain") return undefined;
  let depth = 0;
  let found: number | undefined;
  for (const [index, { text, word }] of tokens.entries()) {
    if (text === "(") depth++;
    if (text === ")") depth--;
    if (depth === 0 && word === "returning") found = index + 1;
  }
  return found;
}

/** The same write, whose returned cells come in that form; `names` are the columns it returns. */
export function exactReturning(piece: Piece, list: number, names: readonly string[]): string {
  const items = itemsOf(piece, list);
  const spread = names.length - items.filter((item) => item !== "*").length;
  let next = 0;
  const cells: string[] = [];
  for (const item of items) {
    if (item === "*") cells.push(...names.slice(next, next + spread).map((name) => `"${name.replaceAll('"', '""')}"`));
    else cells.push(item);
    next += item === "*" ? spread : 1;
  }
  const wrapped = cells.map((cell) => `(select ${asBytes("c")} from (select null as c where 0 union all select ${cell}))`);
  return `${piece.sql.slice(0, piece.tokens[list]?.start)}${wrapped.join(", ")}`;
}

/** The items of a list up to the end of the statement, without the comments around them. */
function itemsOf({ sql, tokens }: Piece, list: number): string[] {
  const groups: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens.slice(list)) {
    if (token.text === "(") depth++;
    if (token.text === ")") depth--;
    if (token.text === "," && depth === 0) groups.push([]);
    else groups.at(-1)?.push(token);
  }
  return groups.map((group) => sql.slice(group[0]?.start, (group.at(-1)?.start ?? 0) + (group.at(-1)?.text.length ?? 0)));
}
