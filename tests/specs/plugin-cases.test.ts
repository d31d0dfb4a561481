import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type CaseReport, chosen, type RunOptions, runCases } from "../../cli/plugin-cases.ts";
import { reportFormat } from "../../cli/plugin-report.ts";
import { problem } from "../../core/problem.ts";
import type { PlannedCase, SuitePlan } from "../contract/driver/suite.ts";

const ok = async () => undefined;
const planned = (name: string, run: () => Promise<void> = ok, more: Partial<PlannedCase> = {}): PlannedCase => ({
  group: "reads",
  name,
  skipped: false,
  run,
  ...more,
});

async function run(cases: readonly PlannedCase[], change: Partial<RunOptions> = {}, fill = ok): Promise<CaseReport[]> {
  const plan: SuitePlan = { cases, fill, [Symbol.asyncDispose]: ok };
  const options = { signal: new AbortController().signal, caseMillis: 60_000, started: ok, ...change };
  return await Array.fromAsync(runCases(plan, cases, options));
}

const states = (reports: readonly CaseReport[]) => reports.map(({ name, state }) => `${name}: ${state}`);

describe("a run of the driver suite", () => {
  it("tells what passed, failed and was skipped, in order, and goes on after a failure", async () => {
    const fails = planned("b", async () => assert.fail("no"));
    const never = planned("c", async () => assert.fail("it was run"), { skipped: true });
    assert.deepEqual(states(await run([planned("a"), fails, never, planned("d")])), [
      "fills the database: ok",
      "a: ok",
      "b: not ok",
      "c: skip",
      "d: ok",
    ]);
  });

  it("runs no case on a database that could not be filled", async () => {
    assert.deepEqual(states(await run([planned("a")], {}, async () => assert.fail("no room"))), ["fills the database: not ok"]);
  });

  it("ends a case that hangs, and goes on", async () => {
    const [, hung, next] = await run([planned("a", () => new Promise(() => undefined)), planned("b")], { caseMillis: 10 });
    assert.deepEqual(
      [hung?.state, (hung?.error as Error | undefined)?.message, next?.state],
      ["not ok", "It did not end within 0.01 s", "ok"],
    );
  });

  it("stops when the caller leaves, even in a case that hangs", async () => {
    const caller = new AbortController();
    const leaves = planned("a", () => {
      caller.abort(new Error("gone"));
      return new Promise(() => undefined);
    });
    await assert.rejects(run([leaves, planned("b", async () => assert.fail("it was run"))], { signal: caller.signal }), /gone/);
  });

  it("runs the cases that hold every word, in group or name", async () => {
    const cases = [planned("stops early", ok, { group: "stays read-only" }), planned("stops late"), planned("Reads")];
    const names = (only?: string) => chosen(cases, only).map(({ name }) => name);
    assert.deepEqual(names("stops"), ["stops early", "stops late"]);
    assert.deepEqual(names("READ-only  stops"), ["stops early"]);
    assert.deepEqual(names(), ["stops early", "stops late", "Reads"]);
    assert.throws(() => names("nothing of the kind"), { code: "INPUT_INVALID", message: /matches "nothing of the kind"/ });
  });
});

describe("a report of the driver suite", () => {
  const failure = Object.assign(new Error("broken\nin two"), {
    stack: "Error: broken\n    at here (/my/plugin/driver.ts:1:2)\n    at there (/other/x.ts:3:4)",
  });
  const reports: CaseReport[] = [
    { group: "a", name: "one # two\nthree", state: "ok", millis: 1 },
    { group: "a", name: "four", state: "skip", millis: 0 },
    { group: "b", name: "five", state: "not ok", millis: 2, error: failure },
  ];
  const written = (format: string, all: readonly CaseReport[] = reports, total = reports.length) => {
    const { begin, each, end } = reportFormat(format, "/my/plugin");
    return [begin("mine", total), ...all.map(each), end("mine", all, total)].join("");
  };

  it("is a heading for each group, one line for each case, and of a stack the author's own part", () => {
    assert.equal(
      written("text"),
      [
        "driver mine\n\na\n  ok      one # two\nthree\n  skip    four\n\nb\n  not ok  five\n",
        "          Error: broken\n          in two\n          at here (/my/plugin/driver.ts:1:2)\n\n1 passed, 1 failed, 1 skipped\n",
      ].join(""),
    );
  });

  it("is TAP that nothing in a name can break", () => {
    assert.equal(
      written("tap"),
      [
        "TAP version 14\n# driver mine\n1..3\nok 1 - a: one \\# two three\nok 2 - a: four # SKIP\nnot ok 3 - b: five\n",
        "  ---\n  message: |\n    Error: broken\n    in two\n    at here (/my/plugin/driver.ts:1:2)\n  ...\n# 1 passed, 1 failed, 1 skipped\n",
      ].join(""),
    );
  });

  it("is one JSON object with the counts and every case", () => {
    const { cases, ...counts } = JSON.parse(written("json"));
    assert.deepEqual(counts, { driver: "mine", passed: 1, failed: 1, skipped: 1, notRun: 0 });
    assert.deepEqual(cases[2], {
      group: "b",
      name: "five",
      state: "not ok",
      millis: 2,
      error: "Error: broken\nin two\nat here (/my/plugin/driver.ts:1:2)",
    });
  });

  it("says what was not run", () => {
    const unfilled: CaseReport[] = [
      { group: "prepares", name: "fills the database", state: "not ok", millis: 1, error: problem("TIMEOUT", "Too slow") },
    ];
    assert.match(written("text", unfilled, 5), / {10}Too slow\n\n0 passed, 1 failed, 0 skipped, 4 not run\n$/);
    assert.match(written("tap", unfilled, 5), /^1\.\.5\nnot ok 1[\s\S]*\nBail out! The database could not be filled\n$/m);
    assert.equal(JSON.parse(written("json", unfilled, 5)).notRun, 4);
  });
});
