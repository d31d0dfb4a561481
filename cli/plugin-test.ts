import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { DriverSuite, MakeSuite } from "../core/contract/driver-suite.ts";
import type { Host } from "../core/contract/plugin.ts";
import { activate, loading } from "../core/plugin/activate.ts";
import { type About, readAbout } from "../core/plugin/author/about.ts";
import { entryOf, readBuilds } from "../core/plugin/author/pack.ts";
import { checkFits, contractVersion } from "../core/plugin/manifest.ts";
import { Problem, problem } from "../core/problem.ts";
import type { CommandContext } from "./commands.ts";
import type { Io } from "./io.ts";
import type { CommonOptions } from "./open.ts";
import { type CaseReport, chosen, runCases } from "./plugin-cases.ts";
import { reportFormat } from "./plugin-report.ts";
import { type Said, watched } from "./plugin-watch.ts";

interface TestOptions extends CommonOptions {
  readonly only?: string;
  /** Milliseconds. */
  readonly timeout: number;
  /** True in the process that is watched. */
  readonly here?: boolean;
  readonly format: "text" | "json" | "tap";
}

/**
 * Runs the driver suite on a plugin's folder as it is, without a manifest. Its code runs in a process of its own, so
 * that a plugin that ends the process or blocks its thread is told from one that passes.
 */
export async function test([shown = ""]: readonly string[], options: TestOptions, { io }: CommandContext): Promise<void> {
  const folder = resolve(io.cwd, shown);
  readAbout(folder);
  if (!options.here) return watched(["plugin", "test", "--here", ...process.argv.slice(4)], options.timeout, io);
  try {
    if (!(await run(folder, options, io))) process.exitCode = 1;
  } finally {
    await say({ done: true });
  }
}

function say(what: Said): Promise<void> {
  return new Promise((said) => (process.send ? process.send(what, undefined, undefined, () => said()) : said()));
}

/** False when a case failed. */
async function run(folder: string, options: TestOptions, io: Io): Promise<boolean> {
  const temporary = mkdtempSync(join(tmpdir(), "tidegate-plugin-test-"));
  try {
    await say({ doing: "while it was loaded" });
    const suite = await loadSuite(folder, temporary, io);
    const { planSuite } = await import("../tests/contract/driver/suite.ts");
    await using plan = planSuite(suite);
    const cases = chosen(plan.cases, options.only);
    const format = reportFormat(options.format, folder);
    const reports: CaseReport[] = [];
    const total = cases.length + 1;
    await io.out(format.begin(suite.name, total));
    const started = (name: string) => say({ doing: `in the case "${name}"` });
    for await (const report of runCases(plan, cases, { signal: io.signal, caseMillis: options.timeout, started })) {
      reports.push(report);
      await io.out(format.each(report));
    }
    await io.out(format.end(suite.name, reports, total));
    return reports.every(({ state }) => state !== "not ok");
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

async function loadSuite(folder: string, temporary: string, io: Io): Promise<DriverSuite> {
  const { natives: _, ...about } = readAbout(folder);
  checkFits(folder, { contract: about.contract ?? contractVersion, platform: "any" });
  readBuilds(folder, about);
  const host: Host = { contract: contractVersion, folder, log: (level, message) => io.note(`${level} ${message}`) };
  try {
    return await load(about, folder, temporary, host);
  } catch (error) {
    if (!(error instanceof Problem) || error.cause === undefined) throw error;
    throw problem(error.code, error.message, "Correct the error that is shown above", error.cause);
  }
}

async function load(about: About, folder: string, temporary: string, host: Host): Promise<DriverSuite> {
  const { name } = about;
  const { drivers: [driver] = [] } = await activate(() => import(pathToFileURL(join(folder, entryOf(about))).href), name, host);
  if (driver === undefined)
    throw problem("PLUGIN_INVALID", `Plugin "${name}" offers no driver to test`, "Export default () => ({ drivers: […] })");
  const file = ["driver-suite.ts", "driver-suite.js"].find((candidate) => existsSync(join(folder, candidate)));
  const wanted = "Export default ({ driver, folder }) => ({ … }), as plugin new writes it into driver-suite.ts";
  if (file === undefined) throw problem("NOT_FOUND", `There is no driver-suite.ts or driver-suite.js in "${folder}"`, wanted);
  return loading(name, host, async () => {
    const { default: makeSuite }: { readonly default?: MakeSuite } = await import(pathToFileURL(join(folder, file)).href);
    if (typeof makeSuite !== "function") throw problem("PLUGIN_INVALID", `"${file}" has no default export that makes a suite`, wanted);
    return await makeSuite({ driver, folder: temporary });
  });
}
