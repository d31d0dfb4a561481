import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { NamedTable } from "../catalog/named-table.ts";
import type { CatalogObject } from "../contract/catalog.ts";
import type { Connection, Driver, FederatedPart, Params } from "../contract/driver.ts";
import type { Missing } from "../contract/problem.ts";
import { describeNarrowing } from "../policy/narrowing-text.ts";
import { type Problem, problem } from "../problem.ts";
import { fingerprint } from "../sql/fingerprint.ts";
import { attribute } from "../telemetry/attributes.ts";
import { type Clock, explain, failed, startClock } from "./failure.ts";
import { type Landing, landAll } from "./federate-land.ts";
import { partSql } from "./federate-sql.ts";
import { describeSplit, type Split } from "./federate-text.ts";
import type { Caller, QueryStream } from "./run.ts";
import { shape } from "./shape.ts";

/** One statement over tables of several connections, each written as `connection.table` or `connection.schema.table`. */
export interface FederatedInput {
  readonly sql: string;
  readonly params?: Params;
  /** For all of it. */
  readonly maxMillis?: number | undefined;
}

export interface Federator {
  /** What each connection would be asked, as text; nothing is read. */
  explain(input: FederatedInput, caller: Caller): Promise<string>;
  /** Reads what is needed of every connection at the same time, and joins it. @throws LIMIT_EXCEEDED where a part is too large to be whole */
  rows(input: FederatedInput, caller: Caller, maxRows?: number): Promise<QueryStream>;
}

interface Deps extends Landing {
  readonly connections: readonly string[];
  /** What the caller may see of a connection. @throws NOT_FOUND with near names */
  readonly table: (connection: string, path: readonly string[], caller: Pick<Caller, "principal" | "signal">) => Promise<NamedTable>;
  /** A near-name hint for a column the joining engine did not find. */
  readonly suggest: (objects: readonly CatalogObject[], missing: Missing) => string | undefined;
  /** The driver that takes statements apart and joins the parts. */
  readonly driver: () => Promise<Driver>;
  /** Where parts are kept while they are joined. */
  readonly folder: string;
}

/** Rows per batch, as for any connection. */
const batchSize = 2048;

export function createFederator(deps: Deps): Federator {
  return {
    async explain(input, caller) {
      const { split, clock } = await take(deps, input, caller);
      const policies = await Promise.all(
        split.parts.map(async (part) => {
          await using prepared = await deps.prepare(part, { ...caller, signal: clock.signal });
          return describeNarrowing(prepared.narrowing);
        }),
      );
      return describeSplit(split, policies);
    },
    async rows(input, caller, maxRows = Number.POSITIVE_INFINITY) {
      const { split, driver, clock, explained } = await take(deps, input, caller);
      const folder = await privateFolder(deps.folder);
      let connection: Connection | undefined;
      const release = async () => {
        await connection?.[Symbol.asyncDispose]();
        await rm(folder, { recursive: true, force: true });
      };
      try {
        const tables = await landAll(deps, split.parts, folder, { ...caller, signal: clock.signal });
        const { signal } = clock;
        connection = await driver.cage?.(tables, { readOnly: true, signal });
        if (connection === undefined) throw noJoins();
        const joining = caller.span.child("execute");
        const rows = await connection.query(split.sql, input.params ?? [], { signal, batchSize }).finally(() => joining.end());
        return shape(rows, { rows: maxRows, bytes: Number.POSITIVE_INFINITY }, async (passed, error) => {
          const reported = error === undefined ? undefined : await explained(error);
          caller.span.set({ [attribute.dbReturnedRows]: passed.rows });
          caller.note?.({ rows: passed.rows });
          await release();
          return reported;
        });
      } catch (error) {
        await release();
        throw await explained(error);
      }
    },
  };
}

interface Taken {
  readonly split: Split;
  readonly driver: Driver;
  readonly clock: Clock;
  explained(error: unknown): Promise<Problem>;
}

/** Takes a statement apart; the time limit starts here. */
async function take(deps: Deps, input: FederatedInput, caller: Caller): Promise<Taken> {
  const { principal, span } = caller;
  const facts = { connection: deps.connections.join(", "), access: "read", fingerprint: fingerprint(input.sql) } as const;
  span.set({ [attribute.connection]: facts.connection, [attribute.fingerprint]: facts.fingerprint });
  caller.note?.({ ...facts, sql: input.sql });
  const clock: Clock = { signal: caller.signal };
  startClock(clock, caller.signal, input.maxMillis);
  const { signal } = clock;
  const driver = await deps.driver();
  if (driver.federate === undefined) throw noJoins();
  const froms = new Map<CatalogObject, string>();
  const known: CatalogObject[] = [];
  const explained = (error: unknown) => explain(error, input.sql, driver, clock, async (missing) => deps.suggest(known, missing));
  const planning = span.child("plan");
  try {
    const plan = await driver.federate(input.sql, {
      connections: deps.connections,
      params: input.params ?? [],
      signal,
      strict: (connection) => deps.facts(connection).strict === true,
      async table(connection, path) {
        const { object, from } = await deps.table(connection, path, { principal, signal });
        froms.set(object, from);
        known.push({ ...object, schema: connection });
        return object;
      },
    });
    planning.end();
    const asked = (part: FederatedPart) =>
      partSql(part, froms.get(part.table) ?? part.table.name, deps.facts(part.connection).identifierQuote);
    const parts = plan.parts.map((part) => ({ ...part, sql: asked(part), all: asked({ ...part, where: [] }) }));
    return { split: { parts, sql: plan.sql }, driver, clock, explained };
  } catch (error) {
    throw failed(planning, await explained(error));
  }
}

/** Named so that what a killed process leaves is found and removed with other results. */
async function privateFolder(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return await mkdtemp(join(folder, `${randomBytes(12).toString("hex")}.duckdb.part-${process.pid}-`));
  } catch (error) {
    throw problem("INPUT_INVALID", `Cannot make a folder in "${folder}"`, "Check its permissions, or set results.folder", error);
  }
}

const noJoins = (): Problem =>
  problem("UNSUPPORTED", "No driver here joins tables of several connections", "Query each connection by itself");
