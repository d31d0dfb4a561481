import type { Connection, Params, QueryOptions } from "../contract/driver.ts";
import type { Narrowing } from "../contract/policy.ts";
import { problem } from "../problem.ts";

/** Refuses a statement that the engine takes to be dearer than its narrowing allows. @throws POLICY_DENIED, UNSUPPORTED without an estimate */
export async function affordable(
  connection: Pick<Connection, "cost">,
  { maxCost, restrictions }: Narrowing,
  ...[sql, params, options]: readonly [sql: string, params: Params, options: QueryOptions]
): Promise<void> {
  if (maxCost === undefined) return;
  if (connection.cost === undefined)
    throw problem(
      "UNSUPPORTED",
      "The driver cannot estimate what a statement costs, and your roles limit it",
      "Have limits.cost taken out of the role, or use another driver",
    );
  const cost = await connection.cost(sql, params, options);
  if (cost <= maxCost) return;
  // The figure comes from statistics of all rows, also of those that are not open to the caller.
  const estimate = restrictions === undefined ? `is estimated to cost ${Math.round(cost)}` : "is estimated to cost too much";
  throw problem(
    "POLICY_DENIED",
    `The statement ${estimate}, and your roles allow ${maxCost}`,
    "Narrow it, or use fewer and smaller tables",
  );
}
