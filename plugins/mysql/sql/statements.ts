import type { Params, Statement } from "../../../core/contract/driver.ts";
import type { Value } from "../../../core/contract/rows.ts";
import { refusal } from "../refusal.ts";
import { inOrder, isList } from "../values/parameters.ts";
import { kindOf } from "./kind.ts";
import { type Token, tokens } from "./lexer.ts";

/** One statement of a text: what the server is given, and where it began. */
export interface Piece {
  readonly sql: string;
  readonly offset: number;
  readonly kind: Statement["kind"];
  readonly tokens: readonly Token[];
}

/** Splits a text at its semicolons. */
export function pieces(sql: string): Piece[] {
  if (!sql.isWellFormed() || sql.includes("\0")) {
    const position = sql.indexOf("\0");
    throw refusal({
      code: "SQL_INVALID",
      message: position < 0 ? "The SQL text is not well-formed Unicode" : "The SQL text holds U+0000",
      hint: "Remove the character, or bind the text as a parameter",
      ...(position >= 0 && { position }),
    });
  }
  const found: Token[][] = [[]];
  for (const token of tokens(sql)) {
    if (token.kind === "symbol" && token.text === ";") found.push([]);
    else found.at(-1)?.push(token);
  }
  return found.filter((list) => list.length > 0).map((list) => piece(sql, list));
}

function piece(sql: string, list: readonly Token[]): Piece {
  const offset = list[0]?.start ?? 0;
  return { sql: sql.slice(offset, list.at(-1)?.end), offset, kind: kindOf(list), tokens: list };
}

/** The one statement a text holds. @throws SQL_INVALID when there is none, or more */
export function onlyPiece(sql: string): Piece {
  const [only, ...others] = pieces(sql);
  if (only === undefined) throw refusal({ code: "SQL_INVALID", message: "The text holds no statement", hint: "Write one SQL statement" });
  if (others.length > 0) {
    const message = "The text holds more than one statement";
    throw refusal({ code: "SQL_INVALID", message, hint: "Send each statement in a call of its own" });
  }
  return only;
}

/** The statement with `?` where named parameters stand, as wide as their names: positions in the text stay what they are. */
export function withPlaceholders({ sql, offset, tokens: list }: Piece): string {
  return list
    .filter(({ kind }) => kind === "named")
    .reduce((text, { start, end }) => text.slice(0, start - offset) + "?".padEnd(end - start) + text.slice(end - offset), sql);
}

/** What the server is given for a statement and its parameters. */
export function positional(piece: Piece, params: Params): { readonly sql: string; readonly values: readonly Value[] } {
  if (isList(params)) return { sql: piece.sql, values: params };
  const names = piece.tokens.filter(({ kind }) => kind === "named").map(({ text }) => text.slice(1));
  return { sql: withPlaceholders(piece), values: inOrder(params, names) };
}
