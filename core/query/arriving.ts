import type { CsvStream, EngineFacts } from "../contract/driver.ts";
import type { Prepared, QueryStream } from "./run.ts";

/** The engine's own CSV where its columns hold what they declare, else rows. */
export async function arrivingOf(
  prepared: Prepared,
  { typed }: EngineFacts,
): Promise<{ readonly rows: QueryStream } | { readonly csv: CsvStream }> {
  if (!typed || prepared.copyOut === undefined) return { rows: await prepared.rows() };
  return { csv: await prepared.copyOut({ spelling: "any" }) };
}
