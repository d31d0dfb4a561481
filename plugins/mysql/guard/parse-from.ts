import { readType } from "./parse-call.ts";
import { readExpression } from "./parse-expression.ts";
import { continueQuery, readQuery, startsQuery } from "./parse-query.ts";
import type { Reader } from "./reader.ts";
import type { Expression, From, Query, TableRef } from "./tree.ts";

/** Reads all of a FROM. `dual` is no table. */
export function readSources(reader: Reader): From[] {
  if (reader.is("dual") && ![".", ",", "as"].includes(reader.peek(1).word) && !reader.isName(1)) {
    reader.next();
    return [];
  }
  return reader.list(() => readSource(reader));
}

/** One item of FROM with everything that is joined to it. */
export const readSource = (reader: Reader): From => readJoins(reader, readFactor(reader));

function readJoins(reader: Reader, first: From): From {
  let left = first;
  /** Joins whose condition may still follow. */
  let open = 0;
  for (;;) {
    if (open > 0 && isOn(reader)) {
      left = { kind: "join", left, right: { kind: "group", items: [] }, ...readCondition(reader), natural: false };
      open--;
      continue;
    }
    const kind = takeJoin(reader);
    if (kind === undefined) return left;
    let right = readFactor(reader);
    if (kind === "outer" && !isOn(reader)) right = readJoins(reader, right);
    if (kind !== "natural" && !isOn(reader)) open++;
    left = { kind: "join", left, right, ...readCondition(reader), natural: kind === "natural" };
  }
}

function takeJoin(reader: Reader): "natural" | "outer" | "inner" | undefined {
  if (reader.take("natural")) {
    for (const word of ["inner", "left", "right"]) reader.take(word);
    reader.take("outer");
    reader.expect("join");
    return "natural";
  }
  if (reader.take("straight_join") || reader.take("join") || reader.take("inner", "join") || reader.take("cross", "join")) return "inner";
  if (!reader.take("left") && !reader.take("right")) return undefined;
  reader.take("outer");
  reader.expect("join");
  return "outer";
}

const isOn = (reader: Reader): boolean => reader.is("using") || (reader.is("on") && !reader.follows("on", "duplicate"));

function readCondition(reader: Reader): { readonly on: readonly Expression[]; readonly using: readonly string[] } {
  if (!isOn(reader)) return { on: [], using: [] };
  if (reader.take("on")) return { on: [readExpression(reader)], using: [] };
  reader.expect("using");
  return { on: [], using: reader.inParentheses(() => reader.list(() => reader.name().text)) };
}

function readFactor(reader: Reader): From {
  if (reader.is("(")) return readParenthesized(reader);
  if (reader.take("{")) {
    reader.name();
    const inner = readSource(reader);
    reader.expect("}");
    return inner;
  }
  if (reader.follows("lateral", "(")) {
    reader.next();
    return derived(
      reader,
      reader.inParentheses(() => readQuery(reader)),
      true,
    );
  }
  if (reader.follows("json_table", "(")) return readJsonTable(reader);
  return readTable(reader);
}

/** A query, or tables in parentheses of their own. */
function readParenthesized(reader: Reader): From {
  const { start, end } = reader.peek();
  const inner = reader.inParentheses((): Query | From => {
    if (startsQuery(reader)) return readQuery(reader);
    const items = reader.list(() => readSource(reader));
    const [only] = items;
    if (items.length !== 1 || only?.kind !== "derived" || only.alias !== "" || only.lateral) return { kind: "group", items };
    return reader.is(")") ? only.query : continueQuery(reader, only.query);
  });
  if ("body" in inner) return derived(reader, inner, false);
  const [only] = inner.kind === "group" ? inner.items : [];
  if (only?.kind !== "table" || (inner.kind === "group" && inner.items.length > 1)) return inner;
  const close = { start: reader.end - 1, end: reader.end };
  return { ...only, around: [...only.around, { start, end }, close] };
}

function derived(reader: Reader, query: Query, lateral: boolean): From {
  const alias = readAlias(reader) ?? "";
  const columns = alias !== "" && reader.is("(") ? reader.inParentheses(() => reader.list(() => reader.name().text)) : [];
  return { kind: "derived", query, alias, columns, lateral };
}

function readAlias(reader: Reader): string | undefined {
  if (reader.take("as")) return reader.name().text;
  const isOffset = reader.is("offset") && ["number", "parameter"].includes(reader.peek(1).kind);
  return reader.isName() && !isOffset ? reader.name().text : undefined;
}

/** A table with all that may belong to its name. */
export function readTable(reader: Reader): TableRef {
  const first = reader.name();
  const parts = reader.take(".") ? [first, reader.name()] : [first];
  if (reader.is("(", ".")) reader.fail();
  const nameEnd = reader.end;
  if (reader.take("partition")) reader.inParentheses(() => reader.list(() => reader.name()));
  const time = reader.take("for", "system_time") || reader.take("for", "portion") ? readTime(reader) : [];
  const { end } = reader;
  const alias = readAlias(reader);
  const start = reader.peek().start;
  const isHinted = readHints(reader);
  const table: TableRef = {
    kind: "table",
    parts,
    ...(alias !== undefined && { alias }),
    start: first.start,
    end,
    suffix: reader.text.slice(nameEnd, end),
    time,
    around: [],
    ...(isHinted && { hints: { start, end: reader.end } }),
  };
  reader.found.tables.push(table);
  return table;
}

function readTime(reader: Reader): Expression[] {
  if (reader.take("all")) return [];
  if (reader.take("of")) reader.name();
  if (reader.take("as", "of")) {
    if (!reader.take("transaction") && reader.peek(1).kind !== "text") reader.take("timestamp");
    return [readExpression(reader)];
  }
  if (reader.take("between")) return [readExpression(reader)];
  reader.expect("from");
  const from = readExpression(reader);
  reader.expect("to");
  return [from, readExpression(reader)];
}

function readHints(reader: Reader): boolean {
  let found = false;
  while (["use", "force", "ignore"].some((verb) => reader.follows(verb, "index") || reader.follows(verb, "key"))) {
    found = true;
    reader.next();
    reader.next();
    if (reader.take("for") && !reader.take("join") && !reader.take("order", "by") && !reader.take("group", "by")) reader.fail();
    reader.inParentheses(() => (reader.is(")") ? [] : reader.list(() => (reader.is("primary") ? reader.next() : reader.name()))));
  }
  return found;
}

function readJsonTable(reader: Reader): From {
  reader.expect("json_table");
  const columns: string[] = [];
  const parts = reader.inParentheses(() => {
    const document = readExpression(reader);
    reader.expect(",");
    const path = readExpression(reader);
    readColumns(reader, columns);
    return [document, path];
  });
  const alias = readAlias(reader) ?? reader.fail();
  return { kind: "json", parts, columns, alias };
}

function readColumns(reader: Reader, columns: string[]): void {
  reader.expect("columns");
  reader.inParentheses(() => reader.list(() => readColumn(reader, columns)));
}

function readColumn(reader: Reader, columns: string[]): void {
  if (reader.take("nested")) {
    reader.take("path");
    readLiterals(reader);
    return void readColumns(reader, columns);
  }
  columns.push(reader.name().text);
  if (reader.take("for", "ordinality")) return;
  readType(reader, false);
  reader.take("exists");
  if (reader.take("path")) readLiterals(reader);
  for (;;) {
    if (reader.take("default")) readLiterals(reader);
    else if (!reader.take("null") && !reader.take("error")) return;
    reader.expect("on");
    if (!reader.take("empty") && !reader.take("error")) reader.fail();
  }
}

function readLiterals(reader: Reader): void {
  if (!["text", "number"].includes(reader.next().kind)) reader.fail();
}
