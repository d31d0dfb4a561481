import { createHash } from "node:crypto";
import type { Principal } from "../contract/policy.ts";
import type { QueryInput } from "../contract/tool.ts";
import type { Prepared } from "./run.ts";

/** What else must be the same for an answer to be given again: who asks, where, and what their policy leaves of it. */
export function questionOf(
  { statement, narrowing }: Pick<Prepared, "statement" | "narrowing">,
  { sql, params = [], connection }: QueryInput,
  { id, via, roles, values }: Principal,
  target: string,
): string {
  const shape = [statement.kind, narrowing, sql, params, connection, target, id, via, roles, values];
  const text = JSON.stringify(shape, (_, value) => (typeof value === "bigint" ? `${value}n` : value));
  return createHash("sha256").update(text).digest("hex");
}
