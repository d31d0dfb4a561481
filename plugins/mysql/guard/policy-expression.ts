import type { RelationRestriction } from "../../../core/contract/analysis.ts";
import type { Value } from "../../../core/contract/rows.ts";
import { literal, quoted } from "../catalog/queries.ts";
import { refusal } from "../refusal.ts";
import { attempt, readExpressionOf } from "./analyze.ts";
import { lex } from "./lexer.ts";
import { parseExpression } from "./parse-statement.ts";
import type { Relation, Snapshot } from "./relation.ts";
import type { Bare } from "./scope.ts";
import { applied, type Splice } from "./splice.ts";
import type { TableRef } from "./tree.ts";
import { notUnderstood } from "./unresolved.ts";

/** The tables that conditions and masks of a policy name. */
export function policyTables(restrictions: readonly RelationRestriction[]): TableRef[] {
  const tables: TableRef[] = [];
  // Which of them cannot be read is said where it is put in.
  for (const { where, masks } of restrictions)
    for (const sql of [...where, ...masks.flatMap(({ form }) => (typeof form === "string" ? [] : [form.sql]))])
      attempt(() => void tables.push(...parseExpression(lex(sql)).tables));
  return tables;
}

/**
 * An expression of the policy over one row of a relation, with values put into it. Its tables are named in full, so that nothing a
 * caller defines takes their place. @throws a refusal when it is not one expression, or names what is not there
 */
export function policyExpression(sql: string, values: Readonly<Record<string, Value>>, relation: Relation, snapshot: Snapshot): string {
  let text = "";
  const failure = attempt(() => {
    const lexed = lex(sql);
    const { expression } = parseExpression(lexed);
    const given = lexed.tokens.flatMap(({ kind, text: written, start, end }): Splice[] =>
      kind === "parameter" && Object.hasOwn(values, written.slice(1))
        ? [{ start, end, text: literalOf(values[written.slice(1)] ?? null) }]
        : [],
    );
    text = `(${applied(lexed.text, [...given, ...inFull(readExpressionOf(expression, relation, snapshot))]).text})`;
  });
  if (failure === undefined) return text;
  throw refusal(
    notUnderstood(
      `the policy's own SQL for "${relation.name}"`,
      "Have it corrected: one expression over the columns of the table, and over tables that are there",
    ),
    new Error(failure.message),
  );
}

/** Puts the database before names that stand without one. */
export const inFull = (bare: readonly Bare[]): Splice[] =>
  bare.map(({ ref, database }) => ({ start: ref.start, end: ref.start, text: `${quoted(database)}.` }));

function literalOf(value: Value): string {
  if (value === null) return "null";
  if (typeof value === "boolean" || typeof value === "bigint" || (typeof value === "number" && Number.isFinite(value)))
    return String(value);
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString("hex")}'`;
  const text = String(value);
  return text.includes("\0") ? `_utf8mb4 x'${Buffer.from(text).toString("hex")}'` : literal(text);
}
