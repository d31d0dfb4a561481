import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Found, type Peer, peers, type Run } from "../tests/engines/peers.ts";
import { type Case, countCases, readCases } from "./reports.ts";
import { root } from "./targets.ts";

/** What came of an engine of the matrix. */
interface Outcome {
  readonly peer: Peer;
  readonly found: Found | { readonly absent: string };
  readonly cases: readonly Case[];
}

const crashed: Case = { name: "the run itself", outcome: "failed" };

async function tryPeer(peer: Peer): Promise<Outcome> {
  console.log(`\n── ${peer.name}`);
  const found = await peer.find();
  if ("absent" in found) {
    console.log(`skipped: ${found.absent}`);
    return { peer, found, cases: [] };
  }
  console.log(`${found.version}, from ${found.source}`);
  const cases: Case[] = [];
  try {
    for (const part of found.runs) cases.push(...(await run(part, peer)));
  } finally {
    await found.stop?.();
  }
  const { passed, failed, skipped } = countCases(cases);
  console.log(`${peer.name}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  return { peer, found, cases };
}

/** Runs test files in a process of their own, and reads its report. Only what fails is shown. */
async function run({ files, env, only }: Run, { name, cancels = 0 }: Peer): Promise<readonly Case[]> {
  const report = join(root, ".cache", "reports", `${name.replaceAll(" ", "-")}.xml`);
  mkdirSync(join(root, ".cache", "reports"), { recursive: true });
  rmSync(report, { force: true });
  // As long as ten thousand cancels may take on a busy machine.
  const options = [
    "--no-env-file",
    "--timeout=1200000",
    "--parallel=2",
    "--only-failures",
    "--reporter=junit",
    `--reporter-outfile=${report}`,
  ];
  const filter = only === undefined ? [] : ["-t", only];
  const child = Bun.spawn([process.execPath, "test", ...options, ...filter, ...files], {
    cwd: root,
    env: { ...process.env, ...env, TIDEGATE_TEST_CANCELS: String(cancels) },
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
  });
  const code = await child.exited;
  const cases = existsSync(report) ? readCases(readFileSync(report, "utf8")).filter(({ name }) => name.includes(only ?? "")) : [];
  const { passed, failed } = countCases(cases);
  return passed === 0 || (code !== 0 && failed === 0) ? [...cases, crashed] : cases;
}

function page(outcomes: readonly Outcome[]): string {
  const here = outcomes.flatMap(({ peer, found, cases }) => ("absent" in found ? [] : [{ peer, found, cases }]));
  const away = outcomes.flatMap(({ peer, found }) => ("absent" in found ? [`- **${peer.name}**: ${found.absent}.`] : []));
  const rows = here.map(({ peer, found, cases }) => {
    const { passed, failed, skipped } = countCases(cases);
    return `| ${peer.name} | ${found.version} | ${found.source} | ${passed} | ${failed} | ${skipped} | ${peer.cancels?.toLocaleString("en") ?? ""} |`;
  });
  const named = (wanted: Case["outcome"]) =>
    here.flatMap(({ peer, cases }) =>
      cases.filter(({ outcome }) => outcome === wanted).map(({ name }) => ({ engine: peer.name, name: name.replaceAll("|", "\\|") })),
    );
  const list = (cases: ReturnType<typeof named>) =>
    [...Map.groupBy(cases, ({ name }) => name)].map(([name, group]) => `- ${name}: ${group.map(({ engine }) => engine).join(", ")}`);
  const part = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : ["", `## ${title}`, "", ...lines]);
  const date = new Date().toISOString().slice(0, 10);
  return [
    "# Compatibility",
    "",
    `What the drivers were really run against: \`npm run test:engines\` wrote this page on ${date}, on ${process.platform}-${process.arch} with Bun ${Bun.version}.`,
    "Each row is a real server, started for the run, and the tests are those of `tests/drivers`: the contract every driver fulfils, the quirks of",
    "the engine, what its analyzer understands and restricts, and faults (a killed server, a cut and a slow line, a full disk, and so many cancels",
    "in a row with nothing left running).",
    "",
    "| engine | version | source | passed | failed | skipped | cancels |",
    "|---|---|---|---|---|---|---|",
    ...rows,
    ...part("Failed", list(named("failed"))),
    ...part("Skipped", list(named("skipped"))),
    ...part("Not run", away),
    "",
  ].join("\n");
}

/** Many tests wait for a server more than they compute: with `--jobs 3`, three engines are tried at once. */
async function tryPeers(wanted: readonly Peer[], jobs: number): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const waiting = [...wanted.entries()];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) outcomes[next[0]] = await tryPeer(next[1]);
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return outcomes;
}

const { values } = parseArgs({ options: { only: { type: "string" }, jobs: { type: "string", default: "1" } } });
const outcomes = await tryPeers(
  peers.filter(({ name }) => name.includes(values.only ?? "")),
  Number(values.jobs),
);
// A part of the matrix says nothing of the rest: the page is of whole runs.
if (values.only === undefined) writeFileSync(join(root, "docs", "compatibility.md"), page(outcomes));
else console.log(`\n${page(outcomes)}`);
const { passed, failed, skipped } = countCases(outcomes.flatMap(({ cases }) => cases));
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;
