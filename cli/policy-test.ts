import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { type App, connectionFor } from "../core/app.ts";
import type { Config } from "../core/config/config.ts";
import type { ConnectionSettings } from "../core/connection/connections.ts";
import { catalogStatements, differences, type Expectation, readExpectations, type TestFile } from "../core/policy/keep/expectations.ts";
import { problem } from "../core/problem.ts";
import type { Caller } from "../core/query/run.ts";
import type { CommandContext } from "./commands.ts";
import { configOf, withApp } from "./open.ts";
import { askPolicy } from "./policy-check.ts";
import { checkRole, type PolicyOptions, policyConfig, policyOf } from "./policy-open.ts";

interface Report {
  readonly file: string;
  readonly name: string;
  readonly passed: boolean;
  readonly differences: readonly string[];
}

const longestMillis = 30_000;

/** Runs files of expectations; exit code 1 when one is not met. */
export async function test(files: readonly string[], options: PolicyOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const reports: Report[] = [];
  for (const file of files) reports.push(...(await testFile(file, options, context)));
  const failed = reports.filter(({ passed }) => !passed).length;
  if (options.format === "json") await io.out(`${JSON.stringify({ passed: reports.length - failed, failed, tests: reports }, null, 2)}\n`);
  else await io.out(`${reports.map(line).join("")}${reports.length - failed} passed, ${failed} failed\n`);
  if (failed > 0) process.exitCode = 1;
}

function line({ name, passed, differences: found }: Report): string {
  return `${passed ? "ok    " : "not ok"}  ${name}\n${found.map((text) => `          ${text}\n`).join("")}`;
}

async function testFile(file: string, options: PolicyOptions, context: CommandContext): Promise<Report[]> {
  const path = resolve(context.io.cwd, file);
  const expected = readExpectations(file, readText(path, file));
  const folder = dirname(path);
  const policy = options.policy ?? (expected.policy === undefined ? undefined : resolve(folder, expected.policy));
  const config = await policyConfig({ ...options, ...(policy !== undefined && { policy }) }, context);
  const temporary = mkdtempSync(join(tmpdir(), "tidegate-policy-test-"));
  try {
    const connection = await connectionOf(expected, { folder, temporary, config }, context);
    const roles = await policyOf(config, [connection]);
    for (const { as = [] } of expected.tests) for (const role of as) checkRole(role, roles);
    return await withApp("policy test", [connection], config, context, async (app, caller) => {
      const reports: Report[] = [];
      for (const expectation of expected.tests) reports.push({ file, ...(await testOne(app, expectation, caller)) });
      return reports;
    });
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

async function testOne(app: App, expected: Expectation, caller: Caller): Promise<Omit<Report, "file">> {
  const { as = [], principal, values = {}, sql, write } = expected;
  const name = expected.name ?? `${principal ?? as.join(", ")}: ${sql.replace(/\s+/g, " ").trim()}`;
  const asking = { id: principal ?? `as ${as.join(",")}`, roles: as, via: "local", values } as const;
  const outcome = await askPolicy(app, { sql, write, maxMillis: longestMillis }, { ...caller, principal: asking });
  const found = differences(expected, outcome);
  return { name, passed: found.length === 0, differences: found };
}

function readText(path: string, shown: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw problem("NOT_FOUND", `Cannot read the policy test "${shown}"`, "Check the path and its permissions", cause);
  }
}

async function connectionOf(
  { connection: name, target, catalog }: TestFile,
  place: { readonly folder: string; readonly temporary: string; readonly config: Config },
  context: CommandContext,
): Promise<ConnectionSettings> {
  if (catalog !== undefined) return { ...(await makeCatalog(catalog, place.temporary, context)), name };
  if (target !== undefined) return { ...connectionFor(target, place.config, place.folder), name };
  return connectionFor(name, place.config, place.folder);
}

/** An empty database with the declared tables. */
async function makeCatalog(
  catalog: NonNullable<TestFile["catalog"]>,
  folder: string,
  context: CommandContext,
): Promise<ConnectionSettings> {
  const { engine } = catalog;
  const made = { name: "catalog", target: `${engine}:${join(folder, `catalog.${engine}`)}?create=true`, folder, write: true };
  const config = await configOf({}, context);
  const open = { ...config, policy: { ...config.policy, file: "none" }, audit: { ...config.audit, mode: "off" as const } };
  await withApp("policy test", [made], open, context, async (app, caller) => {
    for (const sql of catalogStatements(catalog)) {
      await using prepared = await app.prepare({ sql, access: "write" }, caller);
      await using rows = await prepared.rows();
      for await (const _ of rows);
    }
  });
  return made;
}
