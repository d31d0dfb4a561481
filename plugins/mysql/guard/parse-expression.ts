import type { Token } from "./lexer.ts";
import { readCall } from "./parse-call.ts";
import { continueQuery, readQuery, startsQuery } from "./parse-query.ts";
import type { Reader } from "./reader.ts";
import { type Expression, nothing, together } from "./tree.ts";
import { Unresolved } from "./unresolved.ts";
import { bareCalls, beforeOperand, betweenOperands, calledWords, characterSets, reserved, units } from "./words.ts";

/** Reads operands and what stands between them; the order in which a server would compute them is left open. */
export function readExpression(reader: Reader): Expression {
  const parts: Expression[] = [readOperand(reader)];
  while (readAfter(reader)) parts.push(readOperand(reader));
  const found = parts.filter((part) => part !== nothing);
  if (found.length === 0) return nothing;
  return parts.length === 1 ? together(found) : { kind: "parts", parts: found };
}

export const readExpressions = (reader: Reader): Expression[] => reader.list(() => readExpression(reader));

/** Takes what stands between two operands. */
function takeOperator(reader: Reader): boolean {
  if (reader.take("sounds", "like") || reader.take("member", "of") || reader.take("is", "not", "distinct", "from")) return true;
  if (reader.take("is", "distinct", "from") || reader.take("at", "time", "zone")) return true;
  // `of` may be left out.
  if (reader.follows("member", "(")) return reader.take("member");
  if (reader.is("not")) return ["in", "like", "between", "regexp", "rlike"].some((word) => reader.take("not", word));
  if (!reader.is(...betweenOperands)) return false;
  reader.next();
  return true;
}

/** Takes what stands behind an operand and ends it, and tells whether another operator follows. */
function readAfter(reader: Reader): boolean {
  for (;;) {
    if (reader.is("is") && !reader.follows("is", "distinct") && !reader.follows("is", "not", "distinct")) {
      reader.expect("is");
      reader.take("not");
      if (!["null", "true", "false", "unknown"].some((word) => reader.take(word))) reader.fail();
    } else if (reader.take("collate")) {
      const { kind } = reader.next();
      if (kind !== "word" && kind !== "quoted" && kind !== "text") reader.fail();
    } else return takeOperator(reader);
  }
}

function readOperand(reader: Reader): Expression {
  while (reader.is(...beforeOperand) && !(reader.is("row", "any", "some") && !reader.follows(reader.peek().word, "("))) reader.next();
  const token = reader.peek();
  switch (token.kind) {
    case "text":
    case "number":
    case "parameter":
      return readLiteral(reader);
    case "setting":
      return {
        kind: "setting",
        name: reader
          .next()
          .text.replace(/^@@(?:\w+\.)?/, "")
          .toLowerCase(),
      };
    case "variable":
      throw new Unresolved("a user variable", "Use a parameter, a subquery or a window function instead");
    case "end":
      return reader.fail();
    case "symbol":
      return readEnclosed(reader);
    default:
      return readWorded(reader, token);
  }
}

/** Texts that stand one after the other are one text. */
function readLiteral(reader: Reader): Expression {
  const { kind } = reader.next();
  while (kind === "text" && reader.peek().kind === "text") reader.next();
  return nothing;
}

function readEnclosed(reader: Reader): Expression {
  if (reader.is("(")) return reader.inParentheses(() => readInner(reader));
  reader.expect("{");
  reader.name();
  const inner = readExpression(reader);
  reader.expect("}");
  return inner;
}

/** A query, or one or more expressions. */
function readInner(reader: Reader): Expression {
  if (startsQuery(reader)) return { kind: "query", query: readQuery(reader) };
  const parts = readExpressions(reader);
  const [only] = parts;
  if (parts.length !== 1 || only?.kind !== "query" || reader.is(")")) return together(parts);
  return { kind: "query", query: continueQuery(reader, only.query) };
}

const words: Readonly<Record<string, (reader: Reader) => Expression>> = {
  case: readCase,
  exists: (reader) => {
    reader.next();
    return reader.inParentheses(() => ({ kind: "query", query: readQuery(reader) }));
  },
  interval: readInterval,
  match: readMatch,
};

function readWorded(reader: Reader, token: Token): Expression {
  const special = Object.hasOwn(words, token.word) ? words[token.word] : undefined;
  if (special !== undefined) return special(reader);
  if (["null", "true", "false", "default"].includes(token.word) && !reader.follows(token.word, "(")) {
    reader.next();
    return nothing;
  }
  const { kind } = reader.peek(1);
  const isTyped = ["date", "time", "timestamp"].includes(token.word) && kind === "text";
  if (isTyped || (characterSets.has(token.word) && (kind === "text" || kind === "number"))) {
    reader.next();
    return readLiteral(reader);
  }
  return readName(reader, token);
}

/** A column, a star of one relation, or the call of a function. */
function readName(reader: Reader, first: Token): Expression {
  const isCalled = reader.follows(first.word, "(") && calledWords.has(first.word);
  if (reserved.has(first.word) && !isCalled) reader.fail();
  const parts: Token[] = [reader.next()];
  while (reader.take(".")) {
    if (reader.take("*")) return { kind: "star", parts };
    if (parts.length > 2) reader.fail();
    parts.push(reader.name());
  }
  if (reader.is("(")) return readCall(reader, parts);
  if (parts.length === 1 && bareCalls.has(first.word)) return { kind: "call", call: { name: first.word, plain: true, parts: [] } };
  return { kind: "name", parts };
}

function readCase(reader: Reader): Expression {
  const parts: Expression[] = [];
  const read = () => void parts.push(reader.nested(() => readExpression(reader)));
  reader.expect("case");
  if (!reader.is("when")) read();
  while (reader.take("when")) {
    read();
    reader.expect("then");
    read();
  }
  if (reader.take("else")) read();
  reader.expect("end");
  return together(parts);
}

/** `interval 1 day`, or a function of that name. */
function readInterval(reader: Reader): Expression {
  reader.expect("interval");
  const inner = readExpression(reader);
  if (units.has(reader.peek().word)) reader.next();
  return inner;
}

function readMatch(reader: Reader): Expression {
  reader.expect("match");
  const columns = reader.is("(") ? reader.inParentheses(() => readExpressions(reader)) : readExpressions(reader);
  reader.expect("against");
  return together([...columns, reader.inParentheses(() => readAgainst(reader))]);
}

/** What is sought holds no `in`: that begins the mode. */
function readAgainst(reader: Reader): Expression {
  const parts = [readOperand(reader)];
  while (!reader.is("in") && takeOperator(reader)) parts.push(readOperand(reader));
  while (["in", "natural", "language", "mode", "boolean", "with", "query", "expansion"].some((word) => reader.take(word)));
  return together(parts);
}
