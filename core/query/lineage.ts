import type { Lineage } from "../contract/results.ts";
import { describeNarrowing } from "../policy/narrowing-text.ts";
import { fingerprint } from "../sql/fingerprint.ts";
import type { Prepared } from "./run.ts";

/** Where the rows of a statement come from. */
export function lineageOf({ connection, statement: { analysis }, narrowing }: Prepared, sql: string, traceId: string): Lineage {
  const objects = (analysis?.relations ?? []).map(({ schema, name }) => (schema === undefined ? name : `${schema}.${name}`));
  const policy = describeNarrowing(narrowing);
  return {
    connection,
    fingerprint: analysis?.fingerprint ?? fingerprint(sql),
    sql,
    objects: [...new Set(objects)],
    parents: [],
    traceId,
    ...(policy !== undefined && { policy }),
  };
}
