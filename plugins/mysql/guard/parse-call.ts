import type { Token } from "./lexer.ts";
import { readExpression, readExpressions } from "./parse-expression.ts";
import { readOrder } from "./parse-query.ts";
import type { Reader } from "./reader.ts";
import { type Call, type Expression, together } from "./tree.ts";
import { touching, unitFirst } from "./words.ts";

/** Reads what stands behind the name of a function: its arguments in every form they may have, and its window. */
export function readCall(reader: Reader, parts: readonly Token[]): Expression {
  const name = parts.at(-1) as Token;
  const [schema] = parts.length > 1 ? parts.slice(-2) : [];
  if (parts.length > 2) reader.fail();
  const isTouching = name.end === reader.peek().start;
  const isPlain = schema === undefined && name.kind === "word" && (isTouching || !touching.has(name.word));
  const called = name.text.toLowerCase();
  const found: Expression[] = [];
  reader.inParentheses(() => readArguments(reader, isPlain ? called : "", found));
  if (reader.take("within", "group")) reader.inParentheses(() => found.push(readOrder(reader)));
  for (const from of ["first", "last"]) reader.take("from", from);
  for (const what of ["respect", "ignore"]) reader.take(what, "nulls");
  if (reader.take("over")) found.push(readWindow(reader));
  const call: Call = { ...(schema && { schema: schema.text }), name: called, plain: isPlain, parts: found };
  reader.found.calls.push(call);
  return { kind: "call", call };
}

function readArguments(reader: Reader, name: string, found: Expression[]): void {
  if (unitFirst.has(name) && reader.peek().kind === "word") reader.next();
  if (name === "convert") return void readConvert(reader, found);
  if (["count"].includes(name)) reader.take("*");
  for (const word of ["distinct", "all", "both", "leading", "trailing"]) reader.take(word);
  while (!reader.is(")")) {
    if (reader.is("order")) found.push(readOrder(reader));
    else if (reader.take("as")) found.push(readType(reader, name === "cast"));
    else if (reader.take("returning")) found.push(readType(reader, true));
    else if (reader.take("using")) reader.next();
    else if (reader.take("separator")) readText(reader);
    else if (reader.take("limit")) found.push(...readLimit(reader));
    else if (["null", "error"].some((word) => reader.take(word, "on"))) readOn(reader);
    else if (reader.is("default") && !reader.follows("default", "(")) readDefault(reader, found);
    else if (!takeBetween(reader)) found.push(readExpression(reader));
  }
}

/** What stands between arguments: most functions take commas, some words. */
function takeBetween(reader: Reader): boolean {
  return [",", "from", "for"].some((word) => reader.take(word));
}

function readText(reader: Reader): void {
  if (!["text", "parameter"].includes(reader.next().kind)) reader.fail();
}

function readLimit(reader: Reader): Expression[] {
  const found = [readExpression(reader)];
  if (reader.take(",") || reader.take("offset")) found.push(readExpression(reader));
  return found;
}

/** `null on empty`, `error on error`. */
function readOn(reader: Reader): void {
  if (!reader.take("empty") && !reader.take("error")) reader.fail();
}

function readDefault(reader: Reader, found: Expression[]): void {
  reader.expect("default");
  if (reader.is(")", ",")) return;
  found.push(readExpression(reader));
  reader.expect("on");
  readOn(reader);
}

function readConvert(reader: Reader, found: Expression[]): void {
  found.push(readExpression(reader));
  if (reader.take("using")) reader.next();
  else {
    reader.expect(",");
    found.push(readType(reader, true));
  }
}

/** A type: words, and numbers between parentheses. */
export function readType(reader: Reader, isCast: boolean): Expression {
  const first = reader.next();
  if (first.kind !== "word") reader.fail();
  for (;;) {
    if (reader.is("("))
      reader.inParentheses(() => reader.list(() => (["number", "text"].includes(reader.peek().kind) ? reader.next() : reader.fail())));
    if (reader.peek().kind !== "word" || reader.is("default", "null", "error", "path", "exists", "for", "from", "order")) break;
    reader.next();
  }
  return { kind: isCast ? "cast" : "parts", type: first.word, parts: [] } as Expression;
}

/** `over name`, or `over (…)`; also the definition of a named window. */
export function readWindow(reader: Reader): Expression {
  if (!reader.is("(")) {
    reader.name();
    return together([]);
  }
  return reader.inParentheses(() => {
    if (reader.isName() && !reader.is("rows", "range", "groups")) reader.name();
    const found: Expression[] = [];
    if (reader.take("partition", "by")) found.push(...readExpressions(reader));
    if (reader.is("order")) found.push(readOrder(reader, "window"));
    if (reader.take("rows") || reader.take("range") || reader.take("groups")) readFrame(reader, found);
    return together(found, "window");
  });
}

function readFrame(reader: Reader, found: Expression[]): void {
  const isBetween = reader.take("between");
  readBound(reader, found);
  if (isBetween) {
    reader.expect("and");
    readBound(reader, found);
  }
  if (!reader.take("exclude")) return;
  if (!reader.take("current", "row") && !reader.take("group") && !reader.take("ties") && !reader.take("no", "others")) reader.fail();
}

/** A bound is a literal, a parameter or an interval of one, so no `and` belongs to it. */
function readBound(reader: Reader, found: Expression[]): void {
  if (reader.take("current", "row")) return;
  if (!reader.take("unbounded")) {
    const isInterval = reader.take("interval");
    if (reader.is("(")) found.push(reader.inParentheses(() => readExpression(reader)));
    else if (["number", "text", "parameter"].includes(reader.peek().kind)) reader.next();
    else reader.fail();
    if (isInterval) reader.next();
  }
  if (!reader.take("preceding") && !reader.take("following")) reader.fail();
}
