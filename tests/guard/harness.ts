import { createHash } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type App, createApp } from "../../core/app.ts";
import type { Driver } from "../../core/contract/driver.ts";
import type { Principal } from "../../core/contract/policy.ts";
import { asProblem } from "../../core/problem.ts";
import { createConfigFolder } from "../support/config-folder.ts";

/** An engine as the suites of the guard meet it. */
export interface GuardedEngine {
  readonly name: string;
  readonly driver: () => Driver;
  /** Fills a new database file. `gone`: nothing of what a policy denies is there at all. */
  readonly fill: (path: string, variant: Variant) => Promise<void>;
  /** Statements that tell of the session's own state: settings, temporary objects. */
  readonly state: readonly string[];
  /** True when rows come in an order that follows from hashes, unless a statement asks for one. */
  readonly unordered?: true;
}

/** `first` and `second` differ in nothing but what is denied, hidden, masked or filtered away. */
export type Variant = "first" | "second" | "gone";

export interface Told {
  readonly answered: boolean;
  /** Rows with the names of their columns, or a problem as a caller sees it. */
  readonly text: string;
  /** The rows alone. */
  readonly values: string;
  readonly code?: string;
  readonly rows: number;
}

/** The whole stack on one database file, with a policy. */
export interface World {
  ask(sql: string, who?: Who): Promise<Told>;
  explain(sql: string, who?: Who): Promise<Told>;
  inspect(table: string | undefined, who?: Who): Promise<string>;
  /** What the database, its folder and the session hold. */
  fingerprint(): Promise<string>;
  readonly folder: string;
  close(): Promise<void>;
}

/** `root` may see everything, `keeper` too, through a filter that keeps every row. */
export type Who = "reader" | "root" | "keeper";

const longestMillis = 3000;
const principal = (id: Who): Principal => ({ id, roles: [], via: "local" });
const principals = { reader: principal("reader"), root: principal("root"), keeper: principal("keeper") };

export async function openWorld(engine: GuardedEngine, policy: string, variant: Variant = "first"): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-guard-"));
  const path = join(folder, "data.db");
  await engine.fill(path, variant);
  const { app, close } = await createGuardedApp(engine.driver(), path, policy);
  const caller = (who: Who) => ({
    principal: principals[who],
    signal: AbortSignal.timeout(longestMillis),
    span: app.telemetry.root("verb", "query"),
  });
  const told = async (work: () => Promise<Omit<Told, "answered">>): Promise<Told> => {
    try {
      return { ...(await work()), answered: true };
    } catch (error) {
      const { code, message, hint } = asProblem(error);
      return { answered: false, code, values: "", text: `${code}: ${message} (${hint ?? ""})`, rows: 0 };
    }
  };
  const ask: World["ask"] = (sql, who = "reader") =>
    told(async () => {
      await using prepared = await app.prepare({ sql }, caller(who));
      await using stream = await prepared.rows();
      const rows: unknown[] = [];
      for await (const { length, columns } of stream)
        for (let row = 0; row < length; row++) rows.push(columns.map((column) => column[row] ?? null));
      const values = JSON.stringify(rows, exactly);
      return { text: JSON.stringify(stream.columns.map(({ name }) => name)) + values, values, rows: rows.length };
    });
  return {
    folder,
    ask,
    explain: (sql, who = "reader") =>
      told(async () => {
        await using prepared = await app.prepare({ sql }, caller(who));
        return { text: await prepared.explain(false), values: "", rows: 0 };
      }),
    async inspect(table, who = "reader") {
      const page = await app.inspect(
        { ...(table !== undefined && { table }), detail: "full" } as Parameters<App["inspect"]>[0],
        caller(who),
      );
      return JSON.stringify(page, exactly);
    },
    async fingerprint() {
      const state = await Promise.all(engine.state.map((sql) => ask(sql, "root")));
      const files = readdirSync(folder).filter((name) => !/-(shm|wal)$/.test(name));
      const bytes = createHash("sha256").update(readFileSync(path)).digest("hex");
      return JSON.stringify([bytes, files, state.map(({ text }) => text)]);
    },
    async close() {
      await close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function createGuardedApp(driver: Driver, target: string, policy: string) {
  const folder = createConfigFolder();
  const path = folder.write("policy.yaml", policy);
  chmodSync(path, 0o600);
  const app = await createApp({
    config: await folder.load({ env: { TIDEGATE_TELEMETRY_TRACES: "off", TIDEGATE_AUDIT_MODE: "off", TIDEGATE_POLICY_FILE: path } }),
    connections: [{ name: "shop", target: `${driver.schemes[0]}:${target}`, folder: folder.project, write: true }],
    // In this process: what is tested is not how an engine is kept from blocking.
    bundled: {
      [driver.name]: async () => ({ default: () => ({ drivers: [{ ...driver, facts: { ...driver.facts, blocking: false } }] }) }),
    },
    seatCommand: [],
    env: {},
    version: "0",
  });
  const close = async () => {
    await app.close();
    folder.remove();
  };
  return { app, close };
}

const exactly = (_: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}` : value);

/** What `reader` may see of each world: a denied table and column, masks, a filter, a limit and, where there is one, a denied schema. */
export const policy = (more = "", filters = "") => `version: 1
default: [reader]
principals:
  root: { roles: [root] }
  keeper: { roles: [keeper] }
roles:
  root:
    rules: [{ connection: shop, access: admin }]
  keeper:
    rules:
      - { connection: shop, access: read }
      - { table: [person, purchase, account, event, visit${filters}], where: "1 = 1" }
  reader:
    rules:
      - { connection: shop, access: read }
      - { table: salary, access: none }
      - { table: person, column: ssn, access: none }
      - { table: person, column: email, mask: redact }
      - { table: person, column: [phone, born], mask: "null" }
      - { table: account, where: "region = 'EU'" }
      - { table: visit, where: "person_id in (select id from person where region = 'EU')" }
${more}    limits: { rows: 50 }
`;

/** Runs in turn; a failure names every case that failed, not only the first. */
export async function collect<Case>(cases: readonly Case[], check: (one: Case) => Promise<string | undefined>): Promise<string[]> {
  const failures: string[] = [];
  for (const one of cases) {
    const failure = await check(one);
    if (failure !== undefined) failures.push(failure);
  }
  return failures;
}
