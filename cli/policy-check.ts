import type { App } from "../core/app.ts";
import type { Principal } from "../core/contract/policy.ts";
import type { Outcome } from "../core/policy/keep/expectations.ts";
import { limitNames } from "../core/policy/keep/survey.ts";
import { maskName } from "../core/policy/narrowing-text.ts";
import { asProblem, Problem } from "../core/problem.ts";
import type { Caller } from "../core/query/run.ts";
import type { CommandContext } from "./commands.ts";
import { withApp } from "./open.ts";
import { connectionMeant, type PolicyOptions, policyConfig, policyOf, principalOf } from "./policy-open.ts";
import { readSql } from "./statement.ts";

interface CheckOptions extends PolicyOptions {
  readonly sql?: string;
  readonly file?: string;
  readonly write?: boolean;
  readonly timeout: number;
}

/** What a check tells besides the verdict. */
export interface Checked extends Outcome {
  readonly connection: string;
  readonly filters: Readonly<Record<string, readonly string[]>>;
  readonly limits: Readonly<Record<string, number>>;
  readonly fingerprint?: string | undefined;
  readonly cost?: number | undefined;
  readonly sql?: string;
  readonly hint?: string | undefined;
}

export interface Question {
  readonly sql: string;
  readonly write?: boolean | undefined;
  readonly maxMillis: number;
}

const refusals: ReadonlySet<string> = new Set(["POLICY_DENIED", "NOT_FOUND", "SQL_INVALID", "UNSUPPORTED", "FORBIDDEN", "LIMIT_EXCEEDED"]);

/** Asks what a call would come to, up to where it would run. @throws what is no verdict: a connection that fails, a time limit */
export async function askPolicy(app: App, question: Question, caller: Caller): Promise<Checked> {
  const connection = app.connections.pick(undefined);
  const nothing = { connection, masks: {}, hidden: [], filtered: [], filters: {}, limits: {} };
  try {
    const { sql, maxMillis, write = false } = question;
    await using prepared = await app.prepare({ sql, connection, maxMillis, access: write ? "write" : "read" }, caller);
    const { restrictions = [], rules = [], readOnly: _, ...limits } = prepared.narrowing;
    const named = Object.fromEntries(Object.entries(limits).map(([key, value]) => [limitNames[key] ?? key, value]));
    const full = ({ schema, name }: { readonly schema?: string; readonly name: string }) =>
      schema === undefined ? name : `${schema}.${name}`;
    const filters = Object.fromEntries(restrictions.filter(({ where }) => where.length > 0).map((one) => [full(one), one.where]));
    const masks = restrictions.flatMap((one) => one.masks.map(({ column, form }) => [`${full(one)}.${column}`, maskName(form)] as const));
    return {
      ...nothing,
      verdict: "allowed",
      rules,
      masks: Object.fromEntries(masks),
      hidden: restrictions.flatMap((one) => one.hidden.map((column) => `${full(one)}.${column}`)),
      filtered: Object.keys(filters),
      filters,
      limits: named,
      maxRows: limits.maxRows,
      fingerprint: prepared.statement.analysis?.fingerprint,
      sql: await prepared.rendered(),
      // An engine may not estimate what has no values yet, and that refuses nothing. The connection is of no more use then.
      cost: await prepared.cost?.().catch(() => undefined),
    };
  } catch (error) {
    const { code, message, hint, rule } = asProblem(error);
    if (!refusals.has(code)) throw error;
    return { ...nothing, verdict: "denied", rules: rule === undefined ? [] : [rule], code, message, hint };
  }
}

/** Prints the verdict of a statement. @throws the refusal, after it was printed */
export async function check([target]: readonly string[], options: CheckOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const config = await policyConfig(options, context);
  const connection = connectionMeant(target, options.connection, config, io.cwd);
  const principal: Principal = principalOf(options, await policyOf(config, [connection]));
  const { color, file } = options;
  const sql = await readSql(options.sql, { color, ...(file !== undefined && { file }) }, io);
  await withApp("policy check", [connection], config, context, async (app, caller) => {
    const { write, timeout: maxMillis } = options;
    const checked = await askPolicy(app, { sql, write, maxMillis }, { ...caller, principal });
    await io.out(options.format === "json" ? `${JSON.stringify(checked, null, 2)}\n` : asText(checked));
    const { code, message, hint } = checked;
    if (code !== undefined && message !== undefined)
      throw new Problem({ code: code as Problem["code"], message, ...(hint !== undefined && { hint }) });
  });
}

function asText(checked: Checked): string {
  const lines: (readonly [string, string | undefined])[] = [
    ["verdict", `${checked.verdict} on ${checked.connection}`],
    ...checked.rules.map((rule) => ["rule", rule] as const),
    ...Object.entries(checked.masks).map(([column, form]) => ["masked", `${column}: ${form}`] as const),
    ...checked.hidden.map((column) => ["hidden", column] as const),
    ...Object.entries(checked.filters).map(([table, where]) => ["filtered", `${table}: ${where.join(" and ")}`] as const),
    ...Object.entries(checked.limits).map(([name, value]) => ["limit", `${name} ${value}`] as const),
    ["cost", checked.cost === undefined ? undefined : `${checked.cost}, by the engine's estimate`],
    ["fingerprint", checked.fingerprint],
    ["sql", checked.sql?.trim()],
  ];
  return lines
    .filter(([, text]) => text !== undefined)
    .map(([name, text]) => `${name.padEnd(12)} ${text?.replaceAll("\n", `\n${" ".repeat(13)}`)}\n`)
    .join("");
}
