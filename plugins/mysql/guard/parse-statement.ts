import type { RelationUse } from "../../../core/contract/analysis.ts";
import type { Lexed, Token } from "./lexer.ts";
import { type Change, changes, readChange } from "./parse-change.ts";
import { readExpression } from "./parse-expression.ts";
import { readLimit, readQuery } from "./parse-query.ts";
import { createReader, type Reader } from "./reader.ts";
import type { Expression, Found, Query, TableRef } from "./tree.ts";
import { Unresolved } from "./unresolved.ts";

/** One statement that was read to its end. */
export type Parsed = {
  readonly found: Found;
  /** Where the statement begins whose plan is asked for, and the words before it. */
  readonly explained?: { readonly start: number; readonly words: readonly string[] };
} & (
  | { readonly kind: "query"; readonly verb: string; readonly query: Query }
  | { readonly kind: "change"; readonly change: Change }
  | {
      readonly kind: "show";
      readonly verb: string;
      readonly name: string;
      readonly tells: NonNullable<RelationUse["tells"]>;
      readonly parts: readonly Expression[];
    }
);

/** More than five times what a server joins. */
const mostTables = 320;
const explainers = ["explain", "describe", "desc", "analyze"];

/** Reads one statement. @throws Unresolved for what is not known */
export function parseStatement(lexed: Lexed): Parsed {
  const reader = createReader(lexed);
  const parsed = reader.is(...explainers) ? readExplained(reader) : reader.is("show") ? readShow(reader) : readPlain(reader);
  if (reader.found.tables.length > mostTables) throw new Unresolved(`a statement with more than ${mostTables} tables`);
  return reader.peek().kind === "end" ? parsed : reader.fail();
}

/** The one expression a text is. @throws Unresolved when it is something else */
export function parseExpression(lexed: Lexed): { readonly expression: Expression; readonly tables: readonly TableRef[] } {
  const reader = createReader(lexed);
  const expression = readExpression(reader);
  return reader.peek().kind === "end" ? { expression, tables: reader.found.tables } : reader.fail();
}

function readPlain(reader: Reader): Parsed {
  if (isChange(reader)) return { kind: "change", change: readChange(reader), found: reader.found };
  const first = reader.peek().word;
  const query = readQuery(reader);
  return {
    kind: "query",
    verb: first === "values" || first === "table" ? first : "select",
    query,
    found: reader.found,
  };
}

/** Looks behind the queries of a WITH. */
function isChange(reader: Reader): boolean {
  if (!reader.is("with")) return reader.is(...changes);
  let depth = 0;
  for (let at = 1; reader.peek(at).kind !== "end"; at++) {
    const { word } = reader.peek(at);
    if (word === "(") depth++;
    else if (word === ")") depth--;
    else if (depth === 0 && ["select", "values", "table"].includes(word)) return false;
    else if (depth === 0 && changes.includes(word)) return true;
  }
  return false;
}

function readExplained(reader: Reader): Parsed {
  const words = [reader.next().word];
  while (reader.is("extended", "partitions", "analyze", "format") && !isTable(reader)) {
    words.push(reader.next().word);
    if (reader.take("=")) words.push(reader.next().text.toLowerCase());
  }
  const { start } = reader.peek();
  if (reader.is("select", "with", "values", "table", "(", ...changes)) return { ...readPlain(reader), explained: { start, words } };
  const verb = words[0] === "desc" ? "describe" : (words[0] ?? "");
  const name = readNames(reader);
  if (["word", "quoted", "text"].includes(reader.peek().kind)) reader.next();
  return { kind: "show", verb, name: `describe ${name}`, tells: "structure", parts: [], found: reader.found };
}

/** `describe format` describes a table of that name. */
const isTable = (reader: Reader): boolean => reader.peek(1).kind === "end";

function readNames(reader: Reader): string {
  const parts: Token[] = [reader.name()];
  while (reader.take(".")) parts.push(reader.name());
  return parts.map(({ text }) => text).join(".");
}

const structure =
  /^(?:(?:full|extended) )*(?:databases|schemas|tables|columns|fields|index|indexes|keys|triggers|events|table status|character set|charset|collation|engines|storage engines|plugins|privileges|procedure status|function status|create (?:or replace )?(?:table|view|procedure|function|trigger|event|database|schema|sequence|package|package body))\b/;
const secrets = /^(?:create user|grants)\b/;

function readShow(reader: Reader): Parsed {
  reader.expect("show");
  const words: string[] = [];
  while (reader.peek().kind !== "end" && !reader.is("like", "where", "from", "in", "limit")) words.push(reader.next().text);
  while (reader.is("from", "in")) words.push(reader.next().word, readNames(reader));
  const parts: Expression[] = [];
  if (reader.take("like") && reader.next().kind !== "text") reader.fail();
  if (reader.take("where")) parts.push(readExpression(reader));
  parts.push(...readLimit(reader));
  const text = words.join(" ");
  const plain = text.toLowerCase();
  const tells = secrets.test(plain) ? "secrets" : structure.test(plain) ? "structure" : "contents";
  return { kind: "show", verb: "show", name: `show ${text}`, tells, parts, found: reader.found };
}
