import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { binary, privateEnvironment, tempFolder, tidegate } from "../support/binary.ts";
import { shopDatabase } from "../support/shop.ts";
import { installTinyPlugin } from "../support/tiny-plugin.ts";

const folder = tempFolder();
const shop = shopDatabase(folder);
const run = (...args: string[]) => tidegate(args, { cwd: folder });

/** Runs a line of shell in which `$tidegate` is the binary. */
function shell(line: string): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const child = spawn("bash", ["-c", line], { cwd: folder, env: { ...privateEnvironment(folder), tidegate: binary } });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (text) => {
    stdout += text;
  });
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  return new Promise((done) => child.on("close", () => done({ stdout, stderr })));
}

const commands = [
  "query shop.db 'select * from orders'",
  "query :memory: 'select * from range(3000000)'",
  "inspect shop.db",
  "query --help",
  "--help",
  "--version",
  "config schema",
];

describe("standard output", { skip: !existsSync("/dev/full") && "there is no full disk to write to" }, () => {
  for (const command of commands) {
    it(`says that the disk is full: ${command}`, async () => {
      const { stdout, stderr } = await shell(`"$tidegate" ${command} > /dev/full; echo "status $?" >&2`);
      assert.equal(stdout, "");
      assert.equal(
        stderr,
        "Error: Cannot write standard output: no space is left\nTry: Free disk space, or write to another disk\nstatus 3\n",
      );
    });

    it(`may be left unread: ${command}`, async () => {
      const { stderr } = await shell(`{ "$tidegate" ${command}; echo "status $?" >&2; } | true`);
      assert.equal(stderr, "status 0\n");
    });
  }

  it("still tells what went wrong besides", async () => {
    const { stderr } = await shell(`"$tidegate" query shop.db 'select * from nowhere' > /dev/full; echo "status $?" >&2`);
    assert.match(stderr, /^Error: .*nowhere[\s\S]*status 3\n$/);
  });
});

describe("problems on the command line", () => {
  it("show no stack for a word that happens to be an option's value", async () => {
    const { stderr, code } = await run("query", shop, "debug");
    assert.equal(code, 3);
    assert.match(stderr, /^Error: Syntax error near "debug"/);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });

  it("tell the cause of an internal error to those who debug, by whatever source the level is set", async () => {
    installTinyPlugin(join(folder, "data/plugins"));
    writeFileSync(join(folder, "debug.yaml"), "log:\n  level: debug\n");
    const query = ["query", "tiny:here", "select meltdown"];
    for (const debugging of [["--log-level", "debug"], ["--log-level=debug"], ["--config", "debug.yaml"]]) {
      const { stderr, code } = await run(...query, ...debugging);
      assert.equal(code, 1);
      const [, id = "none"] = /^Error: Something failed inside tidegate \(error (\w+)\)$/m.exec(stderr) ?? [];
      assert.match(stderr, new RegExp(`debug .*${id}.*the core is open`));
    }
    assert.doesNotMatch((await run(...query)).stderr, /the core is open/);
  });

  it("are JSON for either spelling of the option, and text for a value that looks like it", async () => {
    for (const format of [["--format=json"], ["--format", "json"]])
      assert.equal(JSON.parse((await run("query", shop, "selec 1", ...format)).stderr).code, "SQL_INVALID");
    assert.match((await run("config", "show", "--format=json", "--nonsense")).stderr, /^\{"code":"INPUT_INVALID"/);
    assert.match((await run("query", shop, "selec 1", "-p", "--format", "-p", "json")).stderr, /^Error: /);
  });

  it("keep notes unless -q is an option and not a value", async () => {
    const noted = ["query", shop, "select * from orders where ? = ? or true", "--limit", "1", "-p", "x"];
    assert.match((await run(...noted, "-p", "-q")).stderr, /Stopped after 1 row/);
    assert.equal((await run(...noted, "-p", "y", "-q")).stderr, "");
    assert.equal((await run(...noted, "-p", "y", "--quiet")).stderr, "");
  });

  it("suggest near words for every listed choice", async () => {
    const near: readonly [readonly string[], RegExp][] = [
      [["query", shop, "select 1", "--format", "jsn"], /Cannot use --format "jsn"\nTry: Did you mean "json"\?/],
      [["inspect", shop, "--detail", "ful"], /Did you mean "full"\?/],
      [["export", shop, "select 1", "--to", "x.csv", "--format", "parqet"], /Did you mean "parquet"\?/],
      [["doctor", "--format", "xml"], /Cannot use --format "xml"\nTry: Use one of: text, json/],
    ];
    for (const [args, wanted] of near) {
      const { stderr, code } = await run(...args);
      assert.match(stderr, wanted);
      assert.equal(code, 2);
    }
  });

  it("say how to give SQL that begins with a comment", async () => {
    const sql = "-- all of them\nselect 1 as x";
    const { stderr, code } = await run("query", shop, sql);
    assert.equal(code, 2);
    assert.match(stderr, /begins with a comment[\s\S]*Put -- before it/);
    assert.equal((await run("query", shop, "--", sql)).stdout, "x\n1\n");
    assert.match((await run("query", shop, "--formt")).stderr, /Unknown option "--formt"\nTry: Did you mean --format\?/);
  });

  it("name targets that are empty, and connections that nearly match", async () => {
    for (const target of ["", "sqlite:", "duckdb:", "sqlite:?busy_timeout=1"]) {
      const { stderr, code } = await run("query", target, "select 1");
      assert.match(stderr, /^Error: (The target is empty|Target ".*:" names no file)\nTry: /, target);
      assert.equal(code, 2, target);
    }
    writeFileSync(join(folder, "near.yaml"), "connections:\n  sales:\n    target: ./shop.db\n");
    const { stderr, code } = await run("query", "--config", "near.yaml", "slaes", "select 1");
    assert.match(stderr, /connection is named "slaes"\nTry: Did you mean "sales"\?/);
    assert.equal(code, 3);
    assert.equal((await run("query", "--config", "near.yaml", "sales", "select 1 as x")).stdout, "x\n1\n");
  });

  it("refuse to serve two connections under one name", async () => {
    const { stderr, code } = await run("serve", "--connection", `a=${shop}`, "--connection", "a=:memory:");
    assert.match(stderr, /Connection "a" was given twice/);
    assert.equal(code, 2);
  });
});

describe("tidegate inspect", () => {
  it("says how many rows a table has, at every detail", async () => {
    for (const detail of ["names", "columns", "full"])
      assert.match((await run("inspect", shop, "--detail", detail, "--format", "csv")).stdout, /^main,orders,table,1000,/m, detail);
  });
});

describe("tidegate inspect --kind", () => {
  it("leaves out everything of another kind", async () => {
    const { stdout } = await run("inspect", shop, "--kind", "table", "--detail", "names", "--format", "csv");
    assert.match(stdout, /^main,orders,table/m);
    assert.equal((await run("inspect", shop, "--kind", "sequence", "--format", "compact")).stdout.trim(), "");
    assert.match((await run("inspect", shop, "orders", "--kind", "table")).stderr, /An object and --kind were both given/);
    assert.match((await run("inspect", shop, "--kind", "tabel")).stderr, /Did you mean "table"/);
  });
});

describe("tidegate doctor", () => {
  it("finds a state folder that cannot be written, and says so in JSON terms", async () => {
    writeFileSync(join(folder, "blocked"), "a file where a folder belongs");
    const env = { TIDEGATE_STATE_DIR: join(folder, "blocked", "state") };
    const { stdout, stderr, code } = await tidegate(["doctor", shop, "--format", "json"], { cwd: folder, env });
    const bad = JSON.parse(stdout).filter((finding: { readonly ok: boolean }) => !finding.ok);
    assert.deepEqual(
      bad.map(({ topic, name }: { readonly topic: string; readonly name: string }) => `${topic} ${name}`),
      ["folder state", "traces file", "exports folder"],
    );
    assert.equal(code, 6);
    const [reported = ""] = stderr.split("\n").filter((line) => line.startsWith("{"));
    assert.match(JSON.parse(reported).hint, /"ok" is false/);
  });
});
