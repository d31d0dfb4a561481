import type { RelationRestriction } from "../contract/analysis.ts";
import type { EngineFacts } from "../contract/driver.ts";
import type { Narrowing } from "../contract/policy.ts";
import type { Column } from "../contract/rows.ts";
import { Problem, problem } from "../problem.ts";

/**
 * Lets a result through unless the engine names a masked or hidden column as the origin of one of its own. Under restrictions
 * that cannot be: what stands in a column's place has no origin. @throws POLICY_DENIED; the result is closed then
 */
export async function checked<Result extends AsyncDisposable & { readonly columns: readonly Column[] }>(
  result: Result,
  { restrictions = [] }: Narrowing,
): Promise<Result> {
  const shown = result.columns.find(
    ({ origin }) => origin !== undefined && restrictions.some((restriction) => covers(restriction, origin)),
  );
  if (shown === undefined) return result;
  await result[Symbol.asyncDispose]();
  throw problem(
    "POLICY_DENIED",
    `Column "${shown.name}" of the result comes from a column that is masked or hidden for you`,
    "Leave the column out of the statement",
  );
}

function covers({ schema, name, hidden, masks }: RelationRestriction, origin: NonNullable<Column["origin"]>): boolean {
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  if (!same(name, origin.table) || (schema !== undefined && origin.schema !== undefined && !same(schema, origin.schema))) return false;
  return [...hidden, ...masks.map(({ column }) => column)].some((column) => same(column, origin.column));
}

/**
 * An engine quotes values in its errors, also of rows and columns that a caller may not see. Under restrictions only what was
 * wrong with the statement itself is passed on.
 */
export function withheld(reported: Problem, restrictions: readonly RelationRestriction[]): Problem {
  if (restrictions.length === 0 || !quotesData.has(reported.code)) return reported;
  const told = {
    code: reported.code,
    message: "The statement failed on a value; which one is withheld, because rows or columns of it are restricted for you",
    hint: "Check casts and computations, and leave restricted columns out of them",
    ...(reported.retryable && { retryable: true }),
  };
  return new Problem(told, reported);
}

const quotesData: ReadonlySet<string> = new Set(["SQL_INVALID", "CONSTRAINT_VIOLATED", "INPUT_INVALID", "INTERNAL", "LIMIT_EXCEEDED"]);

/** A plan tells how many rows there are, also of those that are filtered for a caller. */
export const hidesRows = ({ restrictions = [] }: Narrowing): boolean => restrictions.some(({ where }) => where.length > 0);

/** Refuses a statement that answers with a plan where rows are filtered. @throws POLICY_DENIED */
export function refusePlan(sql: string, narrowing: Narrowing, { describesPlans = false }: Pick<EngineFacts, "describesPlans">): void {
  if (!hidesRows(narrowing) || !asksForPlan(sql, describesPlans)) return;
  throw problem("POLICY_DENIED", withheldPlan, "Ask for the rows themselves, or have somebody explain who sees the table as it is");
}

export const withheldPlan = "The plan is withheld: rows are filtered for you, and it would tell how many there are";

/** `describe t` tells columns alone; what follows the word decides. */
function asksForPlan(sql: string, describesPlans: boolean): boolean {
  const text = sql.replace(/^(?:\s|--[^\n\r]*|#[^\n\r]*|\/\*[\s\S]*?\*\/|;|\uFEFF)+/, "").toLowerCase();
  if (/^explain\b/.test(text)) return true;
  const [word] = /^(?:desc|describe|analy[sz]e)\b/.exec(text) ?? [];
  if (word === undefined || (word.startsWith("desc") && !describesPlans)) return false;
  return /\b(?:select|with|values|table|from|insert|update|delete|replace)\b/.test(text);
}
