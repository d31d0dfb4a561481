import { refusal } from "../refusal.ts";
import { type Token, tokensOf } from "./lexer.ts";

/** One statement of a text, without the semicolon at its end. */
export interface Piece {
  readonly sql: string;
  /** Where it stands in the text. */
  readonly start: number;
  /** Positions are those in `sql`. */
  readonly tokens: readonly Token[];
}

/** Splits a text at its semicolons; those inside a trigger end nothing. @throws SQL_INVALID for U+0000 */
export function piecesOf(sql: string): Piece[] {
  const position = sql.indexOf("\0");
  if (position !== -1) {
    // The engine would stop reading there and run what stands before.
    const hint = "Remove the character, or bind the text as a parameter";
    throw refusal({ code: "SQL_INVALID", message: "The SQL text holds U+0000", hint, position });
  }
  const pieces: Piece[] = [];
  let held: Token[] = [];
  const end = () => {
    const [first] = held;
    const last = held.at(-1);
    if (first !== undefined && last !== undefined) {
      const tokens = held.map((token) => ({ ...token, start: token.start - first.start }));
      pieces.push({ sql: sql.slice(first.start, last.start + last.text.length), start: first.start, tokens });
    }
    held = [];
  };
  for (const token of tokensOf(sql)) {
    if (token.text === ";" && (!isTrigger(held) || isTriggerEnd(held))) end();
    else held.push(token);
  }
  end();
  return pieces;
}

/** The one statement a text holds. @throws SQL_INVALID when there is none, or more */
export function onePiece(sql: string): Piece {
  const [piece, ...others] = piecesOf(sql);
  if (piece === undefined) throw refusal({ code: "SQL_INVALID", message: "The text holds no statement", hint: "Write one SQL statement" });
  if (others.length > 0) {
    const message = "The text holds more than one statement";
    throw refusal({ code: "SQL_INVALID", message, hint: "Send each statement in a call of its own" });
  }
  return piece;
}

/** The words after `explain` or `explain query plan`, if any. */
export function explained(tokens: readonly Token[]): readonly Token[] {
  if (tokens[0]?.word !== "explain") return tokens;
  return tokens.slice(tokens[1]?.word === "query" && tokens[2]?.word === "plan" ? 3 : 1);
}

function isTrigger(tokens: readonly Token[]): boolean {
  const [create, second, third] = explained(tokens);
  const word = /^temp(orary)?$/.test(second?.word ?? "") ? third?.word : second?.word;
  return create?.word === "create" && word === "trigger";
}

/** As SQLite's own shell finds it: a semicolon, `end`, and the semicolon at hand. */
function isTriggerEnd(tokens: readonly Token[]): boolean {
  return tokens.at(-1)?.word === "end" && tokens.at(-2)?.text === ";";
}
