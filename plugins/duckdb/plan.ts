import type { Params } from "../../core/contract/driver.ts";
import { located } from "./errors/diagnose.ts";
import { prepareLast } from "./run.ts";
import { interruptible, type Session } from "./session.ts";
import { bindParams } from "./sql/params.ts";

/** A step as DuckDB writes it in JSON; the names differ between a plan and a measured plan. */
interface Step {
  readonly name?: string;
  readonly operator_name?: string;
  readonly operator_timing?: number;
  readonly operator_cardinality?: number;
  readonly extra_info?: Readonly<Record<string, string | readonly string[]>>;
  readonly children?: readonly Step[];
}

interface Explaining {
  readonly params: Params;
  readonly analyze: boolean;
  /** What the engine expects of a table tells of all its rows. */
  readonly withoutEstimates: boolean;
  readonly signal: AbortSignal;
}

/** The plan of one statement, a line per step, steps that feed another one below it. */
export async function planText(session: Session, sql: string, { params, analyze, withoutEstimates, signal }: Explaining): Promise<string> {
  const prefix = `EXPLAIN (${analyze ? "ANALYZE, " : ""}FORMAT json)\n`;
  try {
    const prepared = await prepareLast(session, prefix + sql, signal);
    try {
      bindParams(prepared, params);
      const result = await interruptible(session.native, signal, prepared.run());
      const [, json] = (await result.getRows())[0] ?? [];
      const read = JSON.parse(String(json)) as Step | readonly Step[];
      return stepsOf(read)
        .flatMap((step) => lines(step, 0, withoutEstimates))
        .join("\n");
    } finally {
      prepared.destroySync();
    }
  } catch (error) {
    throw located(error, prefix + sql, prefix.length);
  }
}

/** A measured plan has the query itself as its root, and the measuring as its first step. */
function stepsOf(read: Step | readonly Step[]): readonly Step[] {
  if (Array.isArray(read)) return read;
  const root = read as Step;
  const first = root.children?.[0];
  return (first?.operator_name === "EXPLAIN_ANALYZE" ? first.children : root.children) ?? [];
}

function lines(step: Step, depth: number, withoutEstimates: boolean): string[] {
  const { "Estimated Cardinality": estimate, ...facts } = step.extra_info ?? {};
  const told = Object.entries(facts)
    .filter(([, value]) => value.length > 0)
    .map(([name, value]) => `${name}: ${(typeof value === "string" ? value : value.join(", ")).replace(/\s+/g, " ")}`);
  const measured =
    step.operator_cardinality === undefined
      ? []
      : [`${step.operator_cardinality} rows`, `${((step.operator_timing ?? 0) * 1000).toFixed(2)} ms`];
  const counts = [...measured, ...(typeof estimate === "string" && !withoutEstimates ? [`~${estimate} rows expected`] : [])];
  const title = (step.name ?? step.operator_name ?? "").trim();
  const line = [
    `${"  ".repeat(depth)}${title}`,
    ...(told.length > 0 ? [`(${told.join("; ")})`] : []),
    ...(counts.length > 0 ? [`[${counts.join(", ")}]`] : []),
  ].join(" ");
  return [line, ...(step.children ?? []).flatMap((child) => lines(child, depth + 1, withoutEstimates))];
}
