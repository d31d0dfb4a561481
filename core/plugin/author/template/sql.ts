import type { Statement } from "../../../contract/driver.ts";
import type { LogicalType, Value } from "../../../contract/rows.ts";
import { failure } from "./failure.ts";

/** `select <items> [from table] [where column <op> value and …] [order by column] [limit n]`: all the stand-in engine knows. Delete it with store.ts. */
export interface Select {
  readonly items: readonly ("*" | { readonly name: string; readonly value: Expression })[];
  readonly table?: string;
  readonly where: readonly { readonly column: string; readonly test: Test; readonly value: Expression }[];
  readonly order?: { readonly column: string; readonly descending: boolean };
  readonly limit?: number;
  /** How many question marks there are. */
  readonly parameters: number;
}

export type Test = "=" | "<>" | "<" | ">" | "is" | "is not";

export type Expression =
  | { readonly column: string }
  | { readonly count: true }
  | { readonly literal: Value; readonly type: LogicalType }
  | { readonly parameter: number; readonly type: LogicalType };

export type Parsed = { readonly kind: "read"; readonly select: Select } | { readonly kind: Exclude<Statement["kind"], "read"> };

interface Token {
  readonly text: string;
  readonly at: number;
}

const token = /\s+|--[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"]|"")*"|'(?:[^']|'')*'|\d+(?:\.\d+)?|[A-Za-z_]\w*|<>|[-+*?=<>(),;]/y;
const kinds: Readonly<Record<string, Exclude<Statement["kind"], "read">>> = {
  insert: "write",
  update: "write",
  delete: "write",
  create: "schema",
  alter: "schema",
  drop: "schema",
};
const types: Readonly<Record<string, LogicalType>> = {
  integer: "int",
  bigint: "bigint",
  float: "float",
  text: "text",
  varchar: "text",
  bytes: "bytes",
};

/** Every statement of a text. @throws what `diagnose` reads as SQL_INVALID */
export function parse(sql: string): Parsed[] {
  const statements: Token[][] = [[]];
  for (const found of tokens(sql)) {
    if (found.text === ";") statements.push([]);
    else statements.at(-1)?.push(found);
  }
  const end = { text: "", at: sql.length };
  return statements.filter((list) => list.length > 0).map((list) => parseStatement([...list, end]));
}

function* tokens(sql: string): Generator<Token> {
  for (let at = 0; at < sql.length; at = token.lastIndex) {
    token.lastIndex = at;
    const text = token.exec(sql)?.[0];
    if (text === undefined) throw unreadable({ text: sql.slice(at, at + 20), at });
    if (!/^(\s|--|\/\*)/.test(text)) yield { text, at };
  }
}

function parseStatement(list: readonly Token[]): Parsed {
  const word = list[0]?.text.toLowerCase() ?? "";
  return word === "select" ? { kind: "read", select: parseSelect(list) } : { kind: kinds[word] ?? "unknown" };
}

function parseSelect(list: readonly Token[]): Select {
  const reader = createReader(list);
  reader.expect("select");
  const items = reader.listOf(() => readItem(reader), ",");
  const table = reader.accept("from") ? reader.name() : undefined;
  const where = reader.accept("where") ? reader.listOf(() => readCondition(reader), "and") : [];
  const order = reader.accept("order", "by") ? { column: reader.name(), descending: reader.accept("desc") } : undefined;
  const limit = reader.accept("limit") ? readCount(reader) : undefined;
  if (reader.peek().text !== "") throw unreadable(reader.peek());
  const parameters = reader.parameters();
  return {
    items,
    where,
    parameters,
    ...(table !== undefined && { table }),
    ...(order && { order }),
    ...(limit !== undefined && { limit }),
  };
}

type Reader = ReturnType<typeof createReader>;

function createReader(list: readonly Token[]) {
  let at = 0;
  let parameters = 0;
  const peek = (): Token => list[at] as Token;
  const accept = (...words: string[]): boolean => {
    if (!words.every((word, index) => list[at + index]?.text.toLowerCase() === word)) return false;
    at += words.length;
    return true;
  };
  return {
    peek,
    accept,
    next(): Token {
      const found = peek();
      if (found.text === "") throw unreadable(found);
      at++;
      return found;
    },
    parameter: (): number => parameters++,
    parameters: (): number => parameters,
    expect(word: string): void {
      if (!accept(word)) throw unreadable(peek());
    },
    name(): string {
      const { text } = peek();
      if (!/^["A-Za-z_]/.test(text)) throw unreadable(peek());
      at++;
      return text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text;
    },
    listOf<Item>(part: () => Item, separator: string): Item[] {
      const parts = [part()];
      while (accept(separator)) parts.push(part());
      return parts;
    },
  };
}

function readCount(reader: Reader): number {
  const found = reader.next();
  if (!/^\d+$/.test(found.text)) throw unreadable(found);
  return Number(found.text);
}

function readItem(reader: Reader): Select["items"][number] {
  if (reader.accept("*")) return "*";
  const { text } = reader.peek();
  const value = readExpression(reader);
  return { value, name: reader.accept("as") ? reader.name() : "column" in value ? value.column : text };
}

function readExpression(reader: Reader): Expression {
  const first = reader.peek();
  if (reader.accept("?")) return { parameter: reader.parameter(), type: "unknown" };
  if (reader.accept("null")) return { literal: null, type: "unknown" };
  if (reader.accept("count", "(", "*", ")")) return { count: true };
  if (reader.accept("cast", "(")) return readCast(reader);
  if (/^['\d]/.test(first.text)) return literal(reader.next());
  const column = reader.name();
  if (reader.peek().text !== "(") return { column };
  throw failure({ code: "SQL_INVALID", message: `There is no function "${column}"`, hint: "Use count(*)", position: first.at });
}

function readCast(reader: Reader): Expression {
  const value = readExpression(reader);
  reader.expect("as");
  const type = types[reader.name().toLowerCase()] ?? "unknown";
  if (reader.accept("(")) {
    reader.next();
    reader.expect(")");
  }
  reader.expect(")");
  return "column" in value || "count" in value ? value : { ...value, type };
}

const tests: readonly (readonly [Test, ...string[]])[] = [
  ["=", "="],
  ["<>", "<>"],
  ["<", "<"],
  [">", ">"],
  ["is not", "is", "not"],
  ["is", "is"],
];

function readCondition(reader: Reader): Select["where"][number] {
  const column = reader.name();
  const [test] = tests.find(([, ...words]) => reader.accept(...words)) ?? [];
  if (test === undefined) throw unreadable(reader.peek());
  return { column, test, value: readExpression(reader) };
}

function literal({ text }: Token): Expression {
  if (text.startsWith("'")) return { literal: text.slice(1, -1).replaceAll("''", "'"), type: "text" };
  return { literal: Number(text), type: text.includes(".") ? "float" : "int" };
}

function unreadable({ text, at }: Token): Error {
  const message = text === "" ? "The statement ends too early" : `Cannot read the statement at "${text}"`;
  return failure({ code: "SQL_INVALID", message, hint: "See sql.ts for what can be read", position: at });
}
