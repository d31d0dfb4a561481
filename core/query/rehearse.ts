import type { Analysis } from "../contract/analysis.ts";
import type { Transaction } from "../contract/driver.ts";
import { problem } from "../problem.ts";
import type { Sample } from "../results/sample.ts";
import { rowsBefore } from "./before.ts";
import { runBounded } from "./bounded.ts";
import { type Changed, drained, type Write } from "./change.ts";
import { checked } from "./restricted.ts";
import { refuseLasting, written } from "./written.ts";

/** Rows of a sample. */
const most = 5;

/** What a write would do. */
export interface Rehearsal {
  readonly affectedRows?: number;
  /** Some of the rows as they are, and as they would be. */
  readonly before?: Sample;
  readonly after?: Sample;
  /** What the statement itself would return. */
  readonly returned?: Sample;
  /** What is not shown, and why. */
  readonly notes: readonly string[];
}

/** Runs a write in a transaction that is rolled back whatever happens. @throws UNSUPPORTED for what cannot be taken back */
export async function rehearse(write: Write, identifierQuote: string): Promise<Rehearsal> {
  const { kind, analysis } = write.statement;
  if (kind !== "write" && kind !== "schema")
    throw problem(
      "UNSUPPORTED",
      `Cannot try "${analysis?.verb ?? kind}": it could not be taken back`,
      "Send it without the dry run, if it is meant to run",
    );
  await refuseLasting(write);
  const sampling = await samplingText(write);
  const sampled = sampling === undefined ? undefined : await attempt(write, sampling).catch(() => undefined);
  // Whatever is wrong with the statement is told of the statement as it was written.
  const { returned, ...changed } = sampled ?? (await attempt(write, write.sql));
  if (sampled !== undefined) return { ...changed, ...(await samples(write, returned, identifierQuote)) };
  if (returned.columns.length > 0) return { ...changed, returned, notes: [] };
  return { ...changed, notes: kind === "write" ? ["no rows are shown, because the statement cannot return the rows it changes"] : [] };
}

/** The statement with all columns of its rows returned, where the engine reads it as the very same statement otherwise. */
async function samplingText({ connection, statement, sql, options, narrowing }: Write): Promise<string | undefined> {
  const [target, ...others] = written(statement);
  if (statement.kind !== "write" || target?.kind !== "table" || others.length > 0) return undefined;
  if (narrowing.restrictions?.some(({ schema, name }) => name === target.name && schema === target.schema)) return undefined;
  const text = `${sql.replace(/[\s;]+$/, "")}\nreturning *`;
  const [same, ...more] = await connection.analyze(text, options.signal).catch(() => []);
  if (more.length > 0 || same?.kind !== "write" || same.analysis === undefined || same.analysis.unresolved !== undefined) return undefined;
  // What is returned is also read, and whoever may change this table sees all of it.
  const reach = ({ relations, functions }: Analysis) => JSON.stringify([relations.filter(({ access }) => access !== "read"), functions]);
  return statement.analysis !== undefined && reach(same.analysis) === reach(statement.analysis) ? text : undefined;
}

async function attempt(write: Write, sql: string): Promise<Changed> {
  const { connection, params, options, narrowing } = write;
  if (connection.begin === undefined)
    throw problem(
      "UNSUPPORTED",
      "The engine has no transactions here, so nothing can be tried",
      "Send it without the dry run, if it is meant to run",
    );
  await using transaction = await connection.begin({ readOnly: false, signal: options.signal });
  const changed = await drained(await checked(await start(), narrowing), Math.min(most, narrowing.maxRows ?? most));
  await transaction.rollback();
  return changed;

  function start() {
    const within = { catalog: connection.catalog, query: (...asked: Parameters<Transaction["query"]>) => transaction.query(...asked) };
    const { maxAffectedRows } = narrowing;
    return maxAffectedRows === undefined
      ? transaction.query(sql, params, options)
      : runBounded({ ...write, connection: within, sql, maxAffectedRows, within: true });
  }
}

/** Of what came back for `returning *`: rows that were deleted are those before, all others those after. */
async function samples(write: Write, returned: Sample, identifierQuote: string): Promise<Pick<Rehearsal, "before" | "after" | "notes">> {
  const accesses = new Set(write.statement.analysis?.relations.flatMap(({ access }) => (access === "read" ? [] : [access])));
  const [access, ...others] = accesses;
  if (access === "delete" && others.length === 0) return { before: returned, notes: [] };
  if (access !== "update" || others.length > 0) return { after: returned, notes: [] };
  const before = await rowsBefore(write, returned, identifierQuote);
  return typeof before === "string"
    ? { after: returned, notes: [`the rows before are not shown, because ${before}`] }
    : { before, after: returned, notes: [] };
}
