import { join } from "node:path";
import type { AuditFacts } from "../audit/call.ts";
import type { EngineFacts, StoredTable } from "../contract/driver.ts";
import { asProblem, Problem, problem } from "../problem.ts";
import { type Bounds, land } from "../results/landing.ts";
import { attribute } from "../telemetry/attributes.ts";
import { arrivingOf } from "./arriving.ts";
import { togetherOf } from "./federate-facts.ts";
import type { AskedPart } from "./federate-text.ts";
import type { Caller, QueryRunner } from "./run.ts";
import { settingThatCut } from "./whole.ts";

/** What reading the parts needs. */
export interface Landing {
  readonly facts: (connection: string) => EngineFacts;
  /** The rows a connection's settings let out, where they say so. */
  readonly maxRows: (connection: string) => number | undefined;
  readonly prepare: QueryRunner["prepare"];
  readonly limits: Pick<Bounds, "rows" | "bytes">;
}

/** Reads all parts at the same time; the first that fails stops the others. */
export async function landAll(deps: Landing, parts: readonly AskedPart[], folder: string, caller: Caller): Promise<StoredTable[]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([caller.signal, stop.signal]);
  const facts: AuditFacts[] = parts.map(() => ({}));
  const failures: unknown[] = [];
  const landed = await Promise.all(
    parts.map(async (part, index) => {
      const path = join(folder, `${index}.duckdb`);
      const span = caller.span.child("land", { [attribute.connection]: part.connection });
      const note = (more: AuditFacts) => void Object.assign(facts[index] ?? {}, more);
      try {
        await landPart(deps, part, path, { ...caller, signal, span, note });
        span.end();
      } catch (error) {
        failures.push(readingOf(part, asProblem(error)));
        span.end({ error: asProblem(error) });
        stop.abort();
      }
      return { name: part.name, path };
    }),
  );
  caller.note?.(togetherOf(facts));
  if (failures.length > 0) throw failures[0];
  return landed;
}

/** A condition spares rows and decides nothing: where the engine does not take one, as of a text its column's character set has not, it is asked without. */
async function landPart(deps: Landing, part: AskedPart, path: string, caller: Caller): Promise<void> {
  try {
    await landAsked(deps, part, path, caller);
  } catch (error) {
    if (part.where.length === 0 || asProblem(error).code !== "SQL_INVALID") throw error;
    await landAsked(deps, { ...part, sql: part.all }, path, caller);
  }
}

async function landAsked(deps: Landing, part: AskedPart, path: string, caller: Caller): Promise<void> {
  await using prepared = await deps.prepare(part, caller);
  const arriving = await arrivingOf(prepared, deps.facts(part.connection));
  await using _ = "csv" in arriving ? arriving.csv : arriving.rows;
  const { truncated } = await land(arriving, path, { ...deps.limits, until: Number.POSITIVE_INFINITY }, caller);
  const cut = "rows" in arriving && arriving.rows.passed.cut;
  if (cut !== false) throw tooLarge(part, settingThatCut(cut, prepared, deps.maxRows(part.connection)));
  if (truncated !== undefined) throw tooLarge(part, `results.${truncated === "bytes" ? "maxBytes" : "maxRows"}`);
}

/** What goes wrong at one side says which; what stops the call has to do with none. */
function readingOf({ connection, table }: AskedPart, reported: Problem): Problem {
  if (["LIMIT_EXCEEDED", "CANCELLED", "TIMEOUT"].includes(reported.code)) return reported;
  const { code, message, hint, retryable, rule, cause } = reported;
  const told = `${message} (while reading ${connection}.${table.name})`;
  return new Problem({ code, message: told, retryable, ...(hint !== undefined && { hint }), ...(rule !== undefined && { rule }) }, cause);
}

/** A join with rows missing would be wrong, and look right. */
function tooLarge({ connection, table }: AskedPart, setting: string): Problem {
  return problem(
    "LIMIT_EXCEEDED",
    `Too many rows of ${connection}.${table.name} are needed to join them: ${setting} does not let them all through`,
    `Add conditions on ${connection}.${table.name} that its connection can apply (column = value, a range, in (…)), or raise the limit; explain shows what it is asked`,
  );
}
