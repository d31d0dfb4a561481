import type { Connections } from "../../core/connection/connections.ts";
import { createLeases, type Leases } from "../../core/connection/lease.ts";
import type { QueryInput } from "../../core/contract/tool.ts";
import { createPolicy } from "../../core/policy/policy.ts";
import { readOnlyRule } from "../../core/policy/read-only.ts";
import { type Caller, createQueryRunner } from "../../core/query/run.ts";
import { createLog } from "../../core/telemetry/log.ts";
import { createTelemetry } from "../../core/telemetry/trace.ts";

/** Somebody who sends statements the way the tools do. */
export interface TestCaller {
  /** The first cell of what a statement gives. */
  cell(input: string | QueryInput, signal?: AbortSignal): Promise<unknown>;
}

/** Callers of `connections`, by their ids. */
export function createCallers(
  connections: Connections,
  leases: Pick<Leases, "use"> = createLeases({ connections, idleMillis: 60_000, mostPerPrincipal: 1 }),
): (id?: string) => TestCaller {
  const runner = createQueryRunner({
    connections,
    leases,
    policy: createPolicy([readOnlyRule((name) => connections.settings(name).write)]),
    suggest: async () => undefined,
    wrote: () => undefined,
  });
  const log = createLog({ level: "off", format: "text" });
  const telemetry = createTelemetry({ config: { traces: "off", maxFileBytes: 1, maxFiles: 1, folder: "" }, env: {}, version: "0", log });
  const caller = (id: string, signal: AbortSignal): Caller => ({
    principal: { id, roles: [], via: "local" },
    signal,
    span: telemetry.root("verb", "query"),
  });
  return (id = "local") => ({
    async cell(input, signal = new AbortController().signal) {
      await using prepared = await runner.prepare(typeof input === "string" ? { sql: input } : input, caller(id, signal));
      await using rows = await prepared.rows();
      for await (const { columns } of rows) return columns[0]?.[0];
      return undefined;
    },
  });
}
