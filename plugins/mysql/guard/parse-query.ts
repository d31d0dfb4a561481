import type { ColumnPlace } from "../../../core/contract/analysis.ts";
import { readWindow } from "./parse-call.ts";
import { readExpression, readExpressions } from "./parse-expression.ts";
import { readSources, readTable } from "./parse-from.ts";
import type { Reader } from "./reader.ts";
import type { Body, Cte, Expression, Item, Query, Select } from "./tree.ts";

/** True where a query begins, and no expression; `values (name)` is a function. */
export function startsQuery(reader: Reader): boolean {
  if (reader.is("select", "with", "table")) return true;
  if (!reader.is("values")) return false;
  if (reader.peek(1).word === "row") return true;
  if (reader.peek(1).word !== "(") return false;
  let at = 2;
  while (["word", "quoted"].includes(reader.peek(at).kind) || reader.peek(at).word === ".") at++;
  return at === 2 || reader.peek(at).word !== ")";
}

/** Reads a whole query, up to where something else begins. @throws Unresolved for what is not known */
export function readQuery(reader: Reader): Query {
  return reader.nested(() => {
    const { ctes, recursive } = readWith(reader);
    return { ctes, recursive, ...readBodies(reader, plain(readSide(reader))) };
  });
}

/** Reads on behind a query that stood between parentheses. */
export const continueQuery = (reader: Reader, first: Query): Query => ({
  ctes: [],
  recursive: false,
  ...readBodies(reader, plain({ kind: "nested", query: first })),
});

export function readWith(reader: Reader): { readonly ctes: readonly Cte[]; readonly recursive: boolean } {
  if (!reader.take("with")) return { ctes: [], recursive: false };
  const recursive = reader.take("recursive");
  const ctes = reader.list((): Cte => {
    const name = reader.name().text;
    reader.found.ctes.push(name);
    const columns = reader.is("(") ? reader.inParentheses(() => reader.list(() => reader.name().text)) : [];
    reader.expect("as");
    const query = reader.inParentheses(() => readQuery(reader));
    if (reader.take("cycle")) {
      reader.list(() => reader.name());
      reader.expect("restrict");
    }
    return { name, columns, query };
  });
  return { ctes, recursive };
}

const plain = (body: Body): Query => ({ ctes: [], recursive: false, body, order: [], limit: [] });

function readBodies(reader: Reader, first: Query): Pick<Query, "body" | "order" | "limit"> {
  const sides = [first];
  while (reader.take("union") || reader.take("except") || reader.take("intersect")) {
    if (!reader.take("all")) reader.take("distinct");
    sides.push(plain(readSide(reader)));
  }
  const body: Body = sides.length === 1 ? first.body : { kind: "sets", sides };
  const order = reader.is("order") ? [readOrder(reader)] : [];
  return { body, order, limit: readLimit(reader) };
}

function readSide(reader: Reader): Body {
  if (reader.is("(")) return { kind: "nested", query: reader.inParentheses(() => readQuery(reader)) };
  if (reader.is("select")) return readSelect(reader);
  if (reader.take("values")) return { kind: "values", rows: readRows(reader) };
  const { start } = reader.peek();
  reader.expect("table");
  return { kind: "table", table: readTable(reader), start };
}

export function readRows(reader: Reader): Expression[][] {
  return reader.list(() => {
    reader.take("row");
    return reader.inParentheses(() => (reader.is(")") ? [] : readExpressions(reader)));
  });
}

const options = [
  ...["all", "distinct", "distinctrow", "high_priority", "straight_join", "sql_small_result", "sql_big_result", "sql_buffer_result"],
  ...["sql_no_cache", "sql_cache", "sql_calc_found_rows"],
];

function readSelect(reader: Reader): Select {
  const query = reader.peek().start;
  reader.expect("select");
  while (reader.is(...options) && !isColumn(reader)) reader.next();
  const items = reader.list(() => readItem(reader));
  const { end } = reader;
  const from = reader.take("from") ? readSources(reader) : [];
  if (from.length === 0) reader.found.fromless.push({ query, start: end, end: reader.end });
  const where = readClause(reader, "where");
  const group = reader.take("group", "by") ? readGroups(reader) : [];
  const having = readClause(reader, "having");
  const windows = reader.take("window") ? reader.list(() => readNamedWindow(reader)) : [];
  return { kind: "select", items, from, where, group, having, windows };
}

/** Most options are words that a column may be called by as well. */
function isColumn(reader: Reader): boolean {
  return ["from", ",", "as", ".", "="].includes(reader.peek(1).word) || reader.peek(1).kind === "end";
}

export function readClause(reader: Reader, word: string): Expression[] {
  return reader.take(word) ? [readExpression(reader)] : [];
}

export function readItem(reader: Reader): Item {
  if (reader.take("*")) return { expression: { kind: "star", parts: [] }, name: "", aliased: false };
  const { start } = reader.peek();
  const expression = readExpression(reader);
  const written = reader.text.slice(start, reader.end);
  if (reader.take("as") || reader.isName() || reader.peek().kind === "text") {
    const token = reader.peek().kind === "text" ? reader.next() : reader.name();
    return { expression, name: token.kind === "text" ? literalText(token.text) : token.text, aliased: true };
  }
  if (expression.kind === "name") return { expression, name: expression.parts.at(-1)?.text ?? "", aliased: false };
  if (expression.kind !== "star") reader.found.nameless.push({ start, end: reader.end });
  return { expression, name: literalText(written), aliased: false };
}

/** A text names its column by what it says. */
function literalText(written: string): string {
  return /^(?:'[^'\\]*'|"[^"\\]*")$/.test(written) ? written.slice(1, -1) : written;
}

function readGroups(reader: Reader): Expression[] {
  const groups = reader.list(() => readDirected(reader));
  reader.take("with", "rollup");
  return groups;
}

function readNamedWindow(reader: Reader): Expression {
  reader.name();
  reader.expect("as");
  return readWindow(reader);
}

export function readOrder(reader: Reader, place: ColumnPlace = "order"): Expression {
  reader.expect("order", "by");
  return { kind: "parts", parts: reader.list(() => readDirected(reader)), place };
}

function readDirected(reader: Reader): Expression {
  const expression = readExpression(reader);
  if (!reader.take("asc")) reader.take("desc");
  return expression;
}

export function readLimit(reader: Reader): Expression[] {
  const found: Expression[] = [];
  if (reader.take("limit")) {
    if (!reader.is("rows")) found.push(readExpression(reader));
    if (reader.take(",") || reader.take("offset")) found.push(readExpression(reader));
    if (reader.take("rows", "examined")) found.push(readExpression(reader));
    return found;
  }
  if (reader.take("offset")) {
    found.push(readExpression(reader));
    if (!reader.take("rows")) reader.take("row");
  }
  if (reader.take("fetch")) readFetch(reader, found);
  return found;
}

function readFetch(reader: Reader, found: Expression[]): void {
  if (!reader.take("first") && !reader.take("next")) reader.fail();
  if (!reader.is("row", "rows")) found.push(readExpression(reader));
  if (!reader.take("rows") && !reader.take("row")) reader.fail();
  if (!reader.take("only") && !reader.take("with", "ties")) reader.fail();
}
