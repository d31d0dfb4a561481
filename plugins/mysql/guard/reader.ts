import type { Lexed, Token } from "./lexer.ts";
import type { Found } from "./tree.ts";
import { Unresolved } from "./unresolved.ts";
import { reserved } from "./words.ts";

/** Goes through the tokens of one statement. */
export interface Reader {
  readonly text: string;
  /** What was read so far, wherever it stood. */
  readonly found: Found;
  /** The token `ahead` of the next one. */
  peek(ahead?: number): Token;
  next(): Token;
  /** The end of what was read so far. */
  readonly end: number;
  /** True when the next token is one of these words or signs. */
  is(...words: readonly string[]): boolean;
  /** True when the next tokens are these words, one after the other. */
  follows(...words: readonly string[]): boolean;
  /** Takes these words, one after the other, or none of them. */
  take(...words: readonly string[]): boolean;
  /** @throws Unresolved when something else stands there */
  expect(...words: readonly string[]): void;
  /** Takes a name, in backticks or not. */
  name(): Token;
  isName(ahead?: number): boolean;
  /** Whatever `read` reads, with commas between. */
  list<Part>(read: () => Part): Part[];
  /** Whatever `read` reads, between parentheses. */
  inParentheses<Part>(read: () => Part): Part;
  /** Counts one more level. @throws Unresolved when there are too many */
  nested<Part>(read: () => Part): Part;
  fail(): never;
}

/** No statement of a person or a model is nested this deeply, and the stack ends somewhere. */
const deepest = 120;

export function createReader({ text, tokens }: Lexed): Reader {
  const last: Token = { kind: "end", text: "", word: "", start: text.length, end: text.length };
  let at = 0;
  let depth = 0;
  const peek = (ahead = 0): Token => tokens[at + ahead] ?? last;
  const fail = (): never => {
    const { text: found, kind } = peek();
    throw new Unresolved(kind === "end" ? "a statement that ends there" : `"${found.slice(0, 40)}" at that place of the statement`);
  };
  const follows = (...words: readonly string[]): boolean => words.every((word, ahead) => peek(ahead).word === word);
  const take = (...words: readonly string[]): boolean => {
    if (!follows(...words)) return false;
    at += words.length;
    return true;
  };
  const expect = (...words: readonly string[]): void => void (take(...words) || fail());
  const isName = (ahead = 0): boolean => {
    const { kind, word } = peek(ahead);
    return kind === "quoted" || (kind === "word" && !reserved.has(word));
  };
  const next = (): Token => {
    const token = peek();
    at++;
    return token;
  };
  const list = <Part>(read: () => Part): Part[] => {
    const found = [read()];
    while (take(",")) found.push(read());
    return found;
  };
  const nested = <Part>(read: () => Part): Part => {
    if (++depth > deepest) throw new Unresolved(`a statement nested more than ${deepest} deep`);
    const found = read();
    depth--;
    return found;
  };
  return {
    text,
    found: { tables: [], ctes: [], calls: [], nameless: [], fromless: [] },
    peek,
    next,
    get end() {
      return tokens[at - 1]?.end ?? 0;
    },
    is: (...words) => words.includes(peek().word) && peek().word !== "",
    follows,
    take,
    expect,
    name: () => (isName() ? next() : fail()),
    isName,
    list,
    nested,
    inParentheses(read) {
      expect("(");
      const found = nested(read);
      expect(")");
      return found;
    },
    fail,
  };
}
