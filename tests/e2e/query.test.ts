import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { binary, privateEnvironment, tempFolder, tidegate } from "../support/binary.ts";
import { shopDatabase } from "../support/shop.ts";

const folder = tempFolder();
const shop = shopDatabase(folder);
const run = (...args: string[]) => tidegate(args, { cwd: folder });

/** Fails unless the command refused with this exit code, one `Error:` line, a `Try:` line, and nothing on standard output. */
async function refused(
  args: readonly string[],
  code: number,
  message: RegExp,
  options: Parameters<typeof tidegate>[1] = {},
): Promise<string> {
  const outcome = await tidegate(args, { cwd: folder, ...options });
  assert.match(outcome.stderr, message);
  assert.equal(outcome.code, code, outcome.stderr);
  assert.equal(outcome.stdout, "");
  assert.match(outcome.stderr, /^Error: .+$/m);
  assert.doesNotMatch(outcome.stderr, /\n\s+at /, "no stack trace");
  return outcome.stderr;
}

describe("tidegate query", () => {
  it("prints CSV when nobody watches, and data only", async () => {
    const { code, stdout, stderr } = await run("query", "shop.db", "select id, name from customers order by id limit 2");
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "id,name\n1,Ana\n2,Bo\n", stderr: "" });
  });

  it("prints every format", async () => {
    const sql = "select 1 as x, null as y";
    const expected: Record<string, RegExp> = {
      csv: /^x,y\n1,\n$/,
      tsv: /^x\ty\n1\t\\N\n$/,
      json: /"rows":\s*\[\s*\[1,\s*null\]/,
      ndjson: /^\{"x":1,"y":null\}\n$/,
      markdown: /\| x \|/,
      vertical: /x.*1/,
      table: /x[\s\S]*1[\s\S]*1 row/,
    };
    for (const [format, wanted] of Object.entries(expected)) {
      assert.match((await run("query", shop, sql, "--format", format)).stdout, wanted, format);
    }
  });

  it("reads SQL from a file and from standard input", async () => {
    writeFileSync(join(folder, "q.sql"), "select 42 as answer -- a comment\n;");
    assert.equal((await run("query", shop, "-f", "q.sql")).stdout, "answer\n42\n");
    assert.equal((await tidegate(["query", shop], { cwd: folder, stdin: "select 43 as answer" })).stdout, "answer\n43\n");
  });

  it("binds named and positional parameters without touching them", async () => {
    assert.equal(
      (await run("query", shop, "select :a as a, :b as b", "--param", "a=007", "--param", "b=x'; drop table t")).stdout,
      "a,b\n007,x'; drop table t\n",
    );
    assert.equal(
      (await run("query", shop, "select ? + 1 as n, ? as t", "-p", "9007199254740993", "-p", '"5"')).stdout,
      "n,t\n9007199254740994,5\n",
    );
  });

  it("stops at the limit and says so", async () => {
    const { stdout, stderr } = await run("query", shop, "select id from orders order by id", "--limit", "2");
    assert.equal(stdout, "id\n1\n2\n");
    assert.match(stderr, /Stopped after 2 rows/);
  });

  it("writes only with --write, and says how many rows", async () => {
    const copy = shopDatabase();
    await refused(["query", copy, "delete from orders where id = 1"], 4, /gate is closed/);
    const { stderr, code } = await tidegate(["query", copy, "delete from orders where id <= 3", "--write"]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /3 rows affected/);
    assert.equal((await tidegate(["query", copy, "select count(*) as n from orders"])).stdout, "n\n997\n");
  });

  it("queries files: CSV, JSON, Parquet, a glob and a folder", async () => {
    const lake = join(folder, "lake");
    mkdirSync(lake, { recursive: true });
    writeFileSync(join(lake, "a.csv"), "id,name\n1,x\n2,\n");
    writeFileSync(join(lake, "b.json"), '[{"id":1,"tags":["p","q"]}]');
    assert.equal((await run("query", "lake/a.csv", "select * from a order by id")).stdout, "id,name\n1,x\n2,\n");
    assert.equal((await run("query", "lake", "select a.id, b.tags from a join b using (id)")).stdout, 'id,tags\n1,"[""p"",""q""]"\n');
    const written = await run("export", "lake/a.csv", "select * from a", "--to", "lake/c.parquet");
    assert.equal(written.code, 0, written.stderr);
    assert.equal((await run("query", "lake/c.parquet", "select count(*) as n from c")).stdout, "n\n2\n");
    assert.equal((await run("query", ":memory:", "select 1 as x")).stdout, "x\n1\n");
  });

  it("cancels in the engine on Ctrl-C and exits 130", async () => {
    const endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n";
    for (const [target, sql] of [
      [shop, endless],
      [":memory:", "select count(*) from range(100000000000) a"],
    ] as const) {
      const { code, stdout } = await tidegate(["query", target, sql], { cwd: folder, interrupt: { signal: "SIGINT", afterMillis: 700 } });
      assert.equal(code, 130);
      assert.equal(stdout, "");
    }
  });

  it("stops at its time limit", async () => {
    const endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n";
    await refused(["query", shop, endless, "--timeout", "200ms"], 6, /longer than its limit of 200 ms/);
  });

  it("ends quietly and at once when the reader goes away, with flat memory", async () => {
    const child = spawn(
      "sh",
      ["-c", `"${binary}" query :memory: 'select * from range(50000000)' --format csv | head -3; echo "status $?"`],
      { cwd: folder, env: privateEnvironment(folder) },
    );
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => (out += chunk));
    child.stderr.on("data", (chunk) => (err += chunk));
    await new Promise((done) => child.on("close", done));
    assert.equal(out, "range\n0\n1\nstatus 0\n");
    assert.equal(err, "");
  });

  it("prints problems as JSON when JSON was asked for", async () => {
    const { stderr } = await run("query", shop, "select * from custmers", "--format", "json");
    const reported = JSON.parse(stderr);
    assert.equal(reported.code, "SQL_INVALID");
    assert.equal(reported.hint, 'Did you mean "customers"?');
  });
});

describe("tidegate refuses with the next step", () => {
  it("unknown targets, files that are no database, and corrupt ones", async () => {
    await refused(["query", "shp.db", "select 1"], 3, /Try: Did you mean "shop\.db"\?/);
    writeFileSync(join(folder, "notes.txt"), "hello");
    await refused(["query", "notes.txt", "select 1"], 2, /No driver recognises "notes\.txt"/);
    writeFileSync(join(folder, "fake.db"), "SQLite format 3\0 but nothing behind it".padEnd(4096, "x"));
    await refused(["query", "fake.db", "select * from sqlite_schema"], 2, /fake\.db" is not a SQLite database/);
    await refused(["query", "mysqll://h/db", "select 1"], 2, /Scheme "mysqll" is unknown/);
  });

  it("wrong SQL with the place, two statements, and a wrong number of parameters", async () => {
    await refused(["query", shop, "selec 1"], 3, /Syntax error near "selec" \(line 1, column 1\)\nTry: Did you mean "select"\?/);
    await refused(["query", shop, "select 1; select 2"], 3, /2 statements/);
    await refused(["query", shop, "select ?, ?", "-p", "1"], 2, /parameter/i);
    await refused(["query", shop, "select * from custmers"], 3, /Try: Did you mean "customers"\?/);
    await refused(["query", shop, "select nmae from customers"], 3, /Try: Did you mean "customers\.name"\?/);
  });

  it("unknown commands, options and formats with near names", async () => {
    await refused(["qurey", shop], 2, /Try: Did you mean "query"\?/);
    await refused(["query", shop, "select 1", "--formt", "csv"], 2, /Try: Did you mean --format\?/);
    await refused(["query", shop, "select 1", "--format", "cvs"], 2, /csv/);
  });

  it("existing export files, unwritable folders and unknown endings", async () => {
    writeFileSync(join(folder, "there.csv"), "mine");
    await refused(["export", shop, "select 1", "--to", "there.csv"], 3, /there\.csv.*exists|exists.*there\.csv/i);
    assert.equal(readFileSync(join(folder, "there.csv"), "utf8"), "mine");
    await refused(["export", shop, "select 1", "--to", "x.cvs"], 2, /cvs/);
    await refused(["export", shop, "select 1", "--to", "no/such/folder/x.csv"], 3, /no\/such\/folder/);
    if (process.getuid?.() !== 0) {
      mkdirSync(join(folder, "closed"), { recursive: true });
      chmodSync(join(folder, "closed"), 0o500);
      await refused(["export", shop, "select 1", "--to", "closed/x.csv"], 3, /closed/);
    }
  });

  it("a broken configuration, naming file, place and near name", async () => {
    writeFileSync(join(folder, "bad.yaml"), "connections:\n  shop:\n    targt: ./shop.db\n");
    await refused(
      ["query", "--config", "bad.yaml", "shop", "select 1"],
      2,
      /Cannot load bad\.yaml[\s\S]*targt \(line 3\): this key is unknown \(Did you mean "target"\?\)/,
    );
  });

  it("a locked database after waiting", async () => {
    const locked = shopDatabase();
    const script = `const { DatabaseSync } = require("node:sqlite"); const db = new DatabaseSync(${JSON.stringify(locked)}); db.exec("begin exclusive"); console.log("held"); setInterval(() => db.location(), 1000)`;
    const holder = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((held) => holder.stdout.once("data", held));
    try {
      await refused(["query", `sqlite:${locked}?busy_timeout=200`, "select * from customers"], 6, /locked/);
    } finally {
      holder.kill();
    }
  });
});
