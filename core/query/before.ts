import type { RelationRestriction, RelationUse } from "../contract/analysis.ts";
import type { ObjectName } from "../contract/catalog.ts";
import type { Value } from "../contract/rows.ts";
import type { Sample } from "../results/sample.ts";
import { quoteIdentifier } from "../sql/quote.ts";
import { drained, type Write } from "./change.ts";
import { written } from "./written.ts";

/** The rows of an update as they are, by the primary keys of what they would become; or why they cannot be had. */
export async function rowsBefore(write: Write, after: Sample, identifierQuote: string): Promise<Sample | string> {
  const { connection, sql, options, statement } = write;
  const [target] = written(statement);
  if (target === undefined || connection.render === undefined) return "the driver cannot find them";
  const { schema, name } = target;
  const relation: ObjectName = { name, ...(schema !== undefined && { schema }) };
  const [object] = await connection.catalog.read({ detail: "full", object: relation, signal: options.signal });
  const key = object?.primaryKey ?? [];
  if (key.length === 0) return "the table has no primary key";
  if (key.some((column) => mayAssign(sql, column))) return "the statement may change the primary key";
  const quote = (text: string) => quoteIdentifier(text, identifierQuote);
  const restriction = only(relation, key, after, quote);
  const select = (from: readonly string[]) => `select * from ${from.map(quote).join(".")}`;
  const isTarget = (use: RelationUse) => use.name === name && use.schema === schema;
  // Alone the name may mean a table of another schema; with its schema SQLite restricts nothing.
  const [bare] = await connection.analyze(select([name]), options.signal).catch(() => []);
  const meant = bare?.analysis?.relations.every(isTarget) === true || schema === undefined;
  const rows = await connection.query(select(meant ? [name] : [schema, name]), [], { ...options, restrictions: [restriction] });
  const before = (await drained(rows, after.total)).returned;
  return { ...before, total: after.total };
}

/** Whether a column is mentioned where an update assigns. Wrong in doubt: then less is shown. */
function mayAssign(sql: string, column: string): boolean {
  const [, assigned] = /set([\s\S]*)where/i.exec(sql) ?? /set([\s\S]*)/i.exec(sql) ?? [];
  if (assigned === undefined) return true;
  const [text, name] = [assigned.toLowerCase(), column.toLowerCase()];
  return /^\w+$/.test(name) ? text.split(/\W+/).includes(name) : text.includes(name);
}

/** The rows with these keys, in the way every driver that restricts has: conditions with named values. */
function only(relation: ObjectName, key: readonly string[], { columns, batches }: Sample, quote: (name: string) => string) {
  const values: Record<string, Value> = {};
  const rows = batches.flatMap((batch) => Array.from({ length: batch.length }, (_, row) => ({ batch, row })));
  const conditions = rows.map(({ batch, row }, nr) => {
    const equal = key.map((column, at) => {
      values[`row${nr}key${at}`] = batch.columns[columns.findIndex(({ name }) => name === column)]?.[row] ?? null;
      return `${quote(column)} = :row${nr}key${at}`;
    });
    return `(${equal.join(" and ")})`;
  });
  return {
    ...relation,
    hidden: [],
    masks: [],
    where: [conditions.length === 0 ? "1 = 0" : conditions.join(" or ")],
    values,
  } satisfies RelationRestriction;
}
