import type { EngineFacts } from "../contract/driver.ts";
import type { Arriving } from "../results/landing.ts";
import type { Prepared } from "./run.ts";

/** The engine's own CSV where its columns hold what they declare, else rows. */
export async function arrivingOf(prepared: Prepared, { typed }: EngineFacts): Promise<Arriving> {
  if (!typed || prepared.copyOut === undefined) return { rows: await prepared.rows() };
  return { csv: await prepared.copyOut({ spelling: "any" }) };
}
