import type { Token } from "./lexer.ts";
import { readExpression } from "./parse-expression.ts";
import { readSources, readTable } from "./parse-from.ts";
import { readClause, readItem, readLimit, readOrder, readQuery, readRows, readWith, startsQuery } from "./parse-query.ts";
import type { Reader } from "./reader.ts";
import type { Cte, Expression, From, Item, Query, TableRef } from "./tree.ts";

export interface Assignment {
  readonly target: Expression;
  readonly value: Expression;
}

interface Common {
  readonly ctes: readonly Cte[];
  readonly recursive: boolean;
  readonly returning: readonly Item[];
}

export interface Insert extends Common {
  readonly verb: "insert" | "replace";
  readonly table: TableRef;
  /** Empty means all of them. */
  readonly columns: readonly Token[];
  readonly rows: readonly (readonly Expression[])[];
  readonly query?: Query;
  readonly assigned: readonly Assignment[];
  /** What happens to rows that are there already. */
  readonly updated: readonly Assignment[];
  /** The name of the new row in those. */
  readonly alias?: string;
}

export interface Modify extends Common {
  readonly verb: "update" | "delete";
  readonly from: readonly From[];
  /** What a delete over several tables deletes from, by name or alias. */
  readonly targets: readonly (readonly Token[])[];
  readonly assigned: readonly Assignment[];
  readonly where: readonly Expression[];
  readonly others: readonly Expression[];
}

/** A statement that changes rows. */
export type Change = Insert | Modify;

export const changes: readonly string[] = ["insert", "replace", "update", "delete"];

/** Reads a statement that changes rows, with the queries before it. */
export function readChange(reader: Reader): Change {
  const head = readWith(reader);
  if (reader.is("insert", "replace")) return { ...head, ...readInsert(reader) };
  const common = reader.take("update") ? readUpdate(reader) : readDelete(reader);
  return { ...head, ...common };
}

type Part<Whole> = Omit<Whole, "ctes" | "recursive">;

function readInsert(reader: Reader): Part<Insert> {
  const verb = reader.is("replace") ? "replace" : "insert";
  reader.next();
  takeOptions(reader, "low_priority", "delayed", "high_priority", "ignore");
  reader.take("into");
  const table = readInsertTarget(reader);
  const isQuery = reader.is("(") && startsQuery(ahead(reader));
  const columns =
    reader.is("(") && !isQuery ? reader.inParentheses(() => (reader.is(")") ? [] : reader.list(() => readColumn(reader)))) : [];
  const rows = reader.is("values", "value") ? readValues(reader) : [];
  const assigned = reader.take("set") ? reader.list(() => readAssignment(reader)) : [];
  const query = rows.length === 0 && assigned.length === 0 ? readQuery(reader) : undefined;
  const alias = reader.take("as") ? reader.name().text : undefined;
  if (alias !== undefined && reader.is("(")) reader.inParentheses(() => reader.list(() => reader.name()));
  const updated = reader.take("on", "duplicate", "key", "update") ? reader.list(() => readAssignment(reader)) : [];
  const returning = readReturning(reader);
  return { verb, table, columns, rows, ...(query && { query }), assigned, updated, ...(alias !== undefined && { alias }), returning };
}

/** No alias: what follows the name is a list of columns. */
function readInsertTarget(reader: Reader): TableRef {
  const first = reader.name();
  const parts = reader.take(".") ? [first, reader.name()] : [first];
  const { end } = reader;
  if (reader.take("partition")) reader.inParentheses(() => reader.list(() => reader.name()));
  const table: TableRef = { kind: "table", parts, start: first.start, end, suffix: "", time: [], around: [] };
  reader.found.tables.push(table);
  return table;
}

const ahead = (reader: Reader): Reader => ({
  ...reader,
  peek: (by = 0) => reader.peek(by + 1),
  is: (...words) => reader.peek(1).word !== "" && words.includes(reader.peek(1).word),
});

/** `table.column` names the column, too. */
function readColumn(reader: Reader): Token {
  let name = reader.name();
  while (reader.take(".")) name = reader.name();
  return name;
}

function readValues(reader: Reader): Expression[][] {
  reader.next();
  return readRows(reader);
}

function readAssignment(reader: Reader): Assignment {
  const target = { kind: "name" as const, parts: [reader.name()] };
  while (reader.take(".")) target.parts.push(reader.name());
  reader.expect("=");
  return { target, value: readExpression(reader) };
}

function readUpdate(reader: Reader): Part<Modify> {
  takeOptions(reader, "low_priority", "ignore");
  const from = readSources(reader);
  reader.expect("set");
  const assigned = reader.list(() => readAssignment(reader));
  return { verb: "update", from, targets: [], assigned, ...readEnd(reader), returning: readReturning(reader) };
}

function readDelete(reader: Reader): Part<Modify> {
  reader.expect("delete");
  takeOptions(reader, "low_priority", "quick", "ignore");
  const isFirst = !reader.is("from");
  const targets = isFirst ? reader.list(() => readTarget(reader)) : [];
  reader.expect("from");
  if (isFirst) return { verb: "delete", from: readSources(reader), targets, assigned: [], ...readEnd(reader), returning: [] };
  const named = namesBefore(reader, "using");
  if (named) {
    const using = reader.list(() => readTarget(reader));
    reader.expect("using");
    return { verb: "delete", from: readSources(reader), targets: using, assigned: [], ...readEnd(reader), returning: [] };
  }
  const from = [readTable(reader)];
  return { verb: "delete", from, targets: [], assigned: [], ...readEnd(reader), returning: readReturning(reader) };
}

/** True when only names stand before that word. */
function namesBefore(reader: Reader, word: string): boolean {
  let at = 0;
  while (reader.isName(at) || [".", ",", "*"].includes(reader.peek(at).word)) at++;
  return reader.peek(at).word === word;
}

function readTarget(reader: Reader): Token[] {
  const parts = [reader.name()];
  while (reader.take(".")) if (!reader.take("*")) parts.push(reader.name());
  return parts;
}

function readEnd(reader: Reader): { readonly where: readonly Expression[]; readonly others: readonly Expression[] } {
  const where = readClause(reader, "where");
  const order = reader.is("order") ? [readOrder(reader)] : [];
  return { where, others: [...order, ...readLimit(reader)] };
}

const readReturning = (reader: Reader): Item[] => (reader.take("returning") ? reader.list(() => readItem(reader)) : []);

function takeOptions(reader: Reader, ...options: readonly string[]): void {
  while (reader.is(...options)) reader.next();
}
