import type { Connection, Params, QueryOptions, Statement } from "../contract/driver.ts";
import type { Narrowing } from "../contract/policy.ts";
import type { Batch, RowStream } from "../contract/rows.ts";
import { Problem, problem } from "../problem.ts";
import type { Sample } from "../results/sample.ts";
import { isCountable, runBounded } from "./bounded.ts";
import { checked } from "./restricted.ts";

/** A statement that was judged, and the connection it may run on. */
export interface Write {
  readonly connection: Connection;
  readonly statement: Statement;
  readonly sql: string;
  readonly params: Params;
  readonly options: QueryOptions;
  readonly narrowing: Narrowing;
}

/** What a statement did. */
export interface Changed {
  /** Absent where the engine does not count, as of a change of the schema. */
  readonly affectedRows?: number;
  /** What it returned; without columns where it returned nothing. */
  readonly returned: Sample;
}

/**
 * Runs a write to its end and keeps the first rows it returns: leaving it earlier could take it back. Somebody may have agreed
 * to so many rows and no more. @throws CONFLICT when it would change more than were agreed to
 */
export async function change(write: Write, keep: number, agreed = Number.POSITIVE_INFINITY): Promise<Changed> {
  const { connection, statement, sql, params, options, narrowing } = write;
  const { maxAffectedRows: allowed = Number.POSITIVE_INFINITY } = narrowing;
  const most = Math.min(allowed, isCountable(statement) ? agreed : Number.POSITIVE_INFINITY);
  const run = () =>
    most === Number.POSITIVE_INFINITY
      ? connection.query(sql, params, options)
      : runBounded({ ...write, maxAffectedRows: most, within: false });
  try {
    return await drained(await checked(await run(), narrowing), keep);
  } catch (error) {
    if (error instanceof Problem && error.code === "LIMIT_EXCEEDED" && most < allowed) throw moreThanAgreed(agreed);
    throw error;
  }
}

/** Reads a stream to its end and keeps its first rows. */
export async function drained(stream: RowStream, keep: number): Promise<Changed> {
  await using rows = stream;
  const batches: Batch[] = [];
  let total = 0;
  for await (const batch of rows) {
    const fits = Math.min(batch.length, keep - total);
    if (fits > 0) batches.push(first(batch, fits));
    total += batch.length;
  }
  const { columns, affectedRows = columns.length > 0 ? total : undefined } = rows;
  return { returned: { columns, batches, total }, ...(affectedRows !== undefined && { affectedRows }) };
}

function first(batch: Batch, length: number): Batch {
  return { length, columns: batch.columns.map((column) => Array.prototype.slice.call(column, 0, length)) };
}

function moreThanAgreed(agreed: number): Problem {
  return problem(
    "CONFLICT",
    `The statement would by now change more rows than the ${agreed} that were agreed to: it was rolled back`,
    "Send it again, so that the new number is asked for",
  );
}
