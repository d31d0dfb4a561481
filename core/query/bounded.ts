import type { RelationAccess } from "../contract/analysis.ts";
import type { Connection, Params, QueryOptions, Statement } from "../contract/driver.ts";
import type { Batch, RowStream } from "../contract/rows.ts";
import { type Problem, problem } from "../problem.ts";
import { refuseLasting } from "./written.ts";

/** One write, and how many rows it may change. */
export interface BoundedWrite {
  readonly connection: Pick<Connection, "query" | "begin" | "catalog">;
  readonly statement: Statement;
  readonly sql: string;
  readonly params: Params;
  readonly options: QueryOptions;
  readonly maxAffectedRows: number;
  /** True when a transaction of the caller is around it: whoever gets the problem ends that. */
  readonly within: boolean;
}

/**
 * Runs a write that is taken back when it changes more rows than it may. What it returns is kept until that is known, and is
 * no more than that many rows. @throws LIMIT_EXCEEDED, UNSUPPORTED where rows cannot be counted or taken back
 */
export async function runBounded(write: BoundedWrite): Promise<RowStream> {
  const { connection, statement, options, within } = write;
  if (!isCountable(statement)) throw uncountable();
  if (within) return collected(await connection.query(write.sql, write.params, options), write);
  if (connection.begin === undefined)
    throw problem(
      "UNSUPPORTED",
      "The engine has no transactions here, so a write that changes too many rows could not be taken back",
      "Have limits.affectedRows taken out of the role, or use another driver",
    );
  await refuseLasting(write);
  await using transaction = await connection.begin({ readOnly: false, signal: options.signal });
  const done = await collected(await transaction.query(write.sql, write.params, options), write);
  await transaction.commit(options.signal);
  return done;
}

/** An engine counts the rows of a statement's last step only; a second write inside it would not be counted. */
export function isCountable({ kind, analysis }: Statement): boolean {
  if (kind !== "write" || analysis === undefined) return false;
  const written = analysis.relations.filter(({ access }) => access !== "read");
  const tables = new Set(written.map(({ schema, name }) => `${schema}\0${name}`));
  const accesses = new Set<RelationAccess>(written.map(({ access }) => access));
  return tables.size === 1 && (accesses.size === 1 || analysis.verb === "merge" || analysis.verb === "replace");
}

async function collected(rows: RowStream, { maxAffectedRows }: BoundedWrite): Promise<RowStream> {
  await using source = rows;
  const batches: Batch[] = [];
  let returned = 0;
  for await (const batch of source) {
    returned += batch.length;
    if (returned > maxAffectedRows) throw tooMany(maxAffectedRows);
    batches.push(batch);
  }
  const { affectedRows } = source;
  if (affectedRows === undefined) throw uncountable();
  if (affectedRows > maxAffectedRows) throw tooMany(maxAffectedRows, affectedRows);
  return {
    columns: source.columns,
    affectedRows,
    async *[Symbol.asyncIterator]() {
      yield* batches;
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function tooMany(most: number, affected?: number): Problem {
  return problem(
    "LIMIT_EXCEEDED",
    `The statement would change ${affected ?? `more than ${most}`} rows, and your roles allow ${most}: it was rolled back`,
    "Narrow its where, or change the rows in several statements",
  );
}

function uncountable(): Problem {
  return problem(
    "UNSUPPORTED",
    "How many rows the statement changes cannot be counted, and your roles limit them",
    "Send one insert, update or delete of one table, without another write inside it",
  );
}
