import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureBinary } from "./build.ts";
import { runChecks } from "./check.ts";
import { type Counts, countCases, readCases } from "./reports.ts";
import { denoPath } from "./run.ts";
import { root } from "./targets.ts";

/** A runner that takes longer has a test that hangs: it is ended, and counts as failed. */
const longestMillis = 20 * 60_000;

const crashed: Counts = { passed: 0, failed: 1, skipped: 0 };

/** Runs one runner with its output shown, and counts from its JUnit report. A crash, or no test at all, is a failure. */
async function run(title: string, command: readonly string[], report: string): Promise<Counts> {
  console.log(`\n── ${title}`);
  rmSync(report, { force: true });
  const child = Bun.spawn([...command], { cwd: root, stdin: "ignore", stdout: "inherit", stderr: "inherit" });
  const patience = setTimeout(() => child.kill("SIGKILL"), longestMillis);
  const code = await child.exited;
  clearTimeout(patience);
  const counts = existsSync(report) ? countCases(readCases(readFileSync(report, "utf8"))) : crashed;
  const silent = counts.failed === 0 && (code !== 0 || counts.passed === 0);
  if (silent) console.error(`${title}: ${code === 0 ? "no test ran" : `ended with code ${code} though no test failed`}`);
  return silent ? { ...counts, failed: 1 } : counts;
}

async function steps(only: string | undefined): Promise<Counts[]> {
  const reports = join(root, ".cache", "reports");
  mkdirSync(reports, { recursive: true });
  const [forBun, forDeno] = [join(reports, "bun.xml"), join(reports, "deno.xml")];
  const results: Counts[] = [];
  if (only === undefined) {
    console.log("── checks");
    results.push({ ...(await runChecks()), skipped: 0 });
  }
  const portable = portableTests().filter((path) => path.includes(only ?? ""));
  await ensureBinary();
  // Several processes: what one file leaves in memory does not count against another that measures it.
  const bun = [
    process.execPath,
    "test",
    "--no-env-file",
    "--timeout=60000",
    "--parallel=2",
    "--reporter=junit",
    `--reporter-outfile=${forBun}`,
  ];
  results.push(await run("tests under Bun", [...bun, only ?? "tests/"], forBun));
  if (portable.length > 0) {
    const deno = [denoPath(), "test", "--allow-all", "--no-check", "--quiet", `--junit-path=${forDeno}`];
    results.push(await run("portable tests under Deno", [...deno, ...portable], forDeno));
  }
  return results;
}

/** What `deno.json` includes and does not exclude: everything that needs neither the binary nor Bun; servers are broken under Bun only. */
function portableTests(): string[] {
  const { test }: { test: { include: string[]; exclude: string[] } } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8"));
  const matches = (patterns: string[]) => patterns.flatMap((pattern) => [...new Bun.Glob(pattern).scanSync({ cwd: root })]);
  const left = new Set(matches(test.exclude));
  return matches(test.include)
    .filter((path) => !left.has(path))
    .sort();
}

const { values } = parseArgs({ options: { only: { type: "string" } } });
const results = await steps(values.only).catch((error: unknown): Counts[] => {
  console.error(error);
  return [crashed];
});
const sum = (key: keyof Counts) => results.reduce((total, counts) => total + counts[key], 0);
const skipped = sum("skipped");
console.log(`\n${sum("passed")} passed, ${sum("failed")} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = sum("failed") === 0 ? 0 : 1;
