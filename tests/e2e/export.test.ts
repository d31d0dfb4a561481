import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { binary, privateEnvironment, tempFolder, tidegate } from "../support/binary.ts";
import { shopDatabase } from "../support/shop.ts";

const endlessRows = "with recursive n(i) as (select 1 union all select i + 1 from n) select i, i % 7 as k from n";

function listed(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name !== "state" && name !== "data" && !/^shop\.db/.test(name))
    .sort();
}

/** Names without what a killed process may leave: hidden files that nothing reads. */
function visible(folder: string): string[] {
  return listed(folder).filter((name) => !name.startsWith("."));
}

function shopFolder(): { readonly folder: string; readonly run: (...args: string[]) => ReturnType<typeof tidegate> } {
  const folder = tempFolder();
  shopDatabase(folder);
  return { folder, run: (...args) => tidegate(args, { cwd: folder }) };
}

async function done(outcome: ReturnType<typeof tidegate>): Promise<string> {
  const { code, stderr } = await outcome;
  assert.equal(code, 0, stderr);
  return stderr;
}

describe("the export tool", () => {
  it("names the file after its content when nobody names it, inside its folder", async () => {
    const { folder } = shopFolder();
    const client = new Client({ name: "t", version: "1" });
    const args = ["serve", "--connection", "shop=shop.db"];
    await client.connect(new StdioClientTransport({ command: binary, args, cwd: folder, env: privateEnvironment(folder) }));
    const ask = async (input: Record<string, unknown>) =>
      JSON.stringify((await client.callTool({ name: "export", arguments: input })).content);
    try {
      const sql = "select * from customers";
      assert.match(await ask({ sql }), /exports\/shop-customers-\d{8}T\d{9}Z\.csv\\n-- \d+ rows/);
      assert.match(await ask({ sql, to: "sub/", format: "parquet" }), /exports\/sub\/shop-customers-\d{8}T\d{9}Z\.parquet/);
      assert.match(await ask({ sql, to: "../" }), /FORBIDDEN/);
      assert.match(await ask({ sql, to: "{what}.csv" }), /INPUT_INVALID: Unknown placeholder/);
    } finally {
      await client.close();
    }
  });
});

describe("tidegate export", () => {
  it("names a file after its content in a folder, and fills in placeholders", async () => {
    const { folder, run } = shopFolder();
    assert.match(
      await done(run("export", "shop.db", "--table", "customers", "--to", "out/")),
      /^Wrote out\/shop-customers-\d{8}T\d{9}Z\.csv: /,
    );
    await done(run("export", "shop.db", "select * from customers limit 1", "--to", "out", "--compress", "gzip"));
    await done(run("export", "shop.db", "select 1 as one", "--to", "{connection}-{table}.{format}", "--format", "ndjson", "--no-meta"));
    const names = readdirSync(join(folder, "out")).map((name) => name.replace(/\d{8}T\d{9}Z/, "T"));
    assert.deepEqual(
      names.sort(),
      ["csv", "csv.gz", "csv.gz.meta.json", "csv.meta.json"].map((ending) => `shop-customers-T.${ending}`),
    );
    assert.equal(readFileSync(join(folder, "shop-query.ndjson"), "utf8"), '{"one":1}\n');
  });

  it("partitions, and a glob reads it back", async () => {
    const { run } = shopFolder();
    const sql = `select i, case k when 0 then null else 'a/' || k end as part from (${endlessRows} limit 100) where k < 3`;
    assert.match(await done(run("export", "shop.db", sql, "--to", "out", "--partition-by", "part")), /^Wrote out: 3 files, /);
    const { stdout, stderr } = await run(
      "query",
      "out/*/*.parquet",
      "select part, count(*) > 0 as n from out group by part order by part nulls last",
    );
    assert.equal(stdout, "part,n\na/1,true\na/2,true\n,true\n", stderr);
    const again = await run("export", "out/*/*.parquet", "select * from out", "--to", "out", "--partition-by", "part", "--overwrite");
    assert.equal(again.code, 4, again.stderr);
  });

  it("splits, and replaces what it split before", async () => {
    const { folder, run } = shopFolder();
    const split = (size: string) => run("export", "shop.db", `${endlessRows} limit 5`, "--to", "c.csv", "--split", size, "--overwrite");
    assert.match(await done(split("2")), /^Wrote c-0001\.csv to c-0003\.csv: 3 files, 5 rows, /);
    assert.match(await done(split("1MB")), /^Wrote c-0001\.csv: 1 file, 5 rows, /);
    assert.deepEqual(listed(folder), ["c-0001.csv", "c.csv.meta.json"]);
  });

  it("appends, and says what differs when it cannot", async () => {
    const { folder, run } = shopFolder();
    const append = (sql: string) => run("export", "shop.db", sql, "--to", "c.csv.gz", "--append");
    await done(append("select 1 as id"));
    assert.match(await done(append("select 2 as id")), /^Added 1 row to c\.csv\.gz: it has 2 rows, /);
    assert.equal(gunzipSync(readFileSync(join(folder, "c.csv.gz"))).toString(), "id\n1\n2\n");
    const refused = await append("select 3 as x");
    assert.deepEqual([refused.code, /column 1 is "id" there, and "x" in the result/.test(refused.stderr)], [3, true], refused.stderr);
  });

  it("writes nothing that its own pattern would read from then on", async () => {
    const { folder, run } = shopFolder();
    mkdirSync(join(folder, "lake"));
    writeFileSync(join(folder, "lake/a.csv"), "x\n1\n");
    const into = (to: string) => run("export", "lake/*.csv", "select * from a", "--to", to);
    const { code, stderr } = await into("lake/b.csv");
    assert.deepEqual([code, /would read that file as well/.test(stderr)], [4, true], stderr);
    await done(into("lake/b.parquet"));
    assert.deepEqual(readdirSync(join(folder, "lake")).sort(), ["a.csv", "b.parquet", "b.parquet.meta.json"]);
  });

  it("refuses ways to write that exclude each other, and sizes it cannot read", async () => {
    const { folder, run } = shopFolder();
    for (const args of [
      ["--append", "--overwrite"],
      ["--append", "--split", "5"],
      ["--split", "5", "--partition-by", "id"],
      ["--split", "many"],
      ["--partition-by", "id,"],
      ["--compress", "lzma"],
    ]) {
      const { code, stderr } = await run("export", "shop.db", "--table", "customers", "--to", "c.csv", ...args);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /^Error: .+\nTry: .+/);
    }
    assert.deepEqual(listed(folder), []);
  });

  const ways: Readonly<Record<string, readonly string[]>> = {
    "partition-by": ["--to", "out", "--partition-by", "k", "--format", "csv"],
    split: ["--to", "out.csv", "--split", "1000"],
    append: ["--to", "there.csv", "--append"],
  };
  for (const [way, args] of Object.entries(ways)) {
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      it(`leaves nothing half-written when --${way} gets ${signal}`, { timeout: 30_000 }, async () => {
        const { folder } = shopFolder();
        writeFileSync(join(folder, "there.csv"), "i,k\n0,0\n");
        const child = spawn(binary, ["export", "shop.db", endlessRows, ...args], {
          cwd: folder,
          env: privateEnvironment(folder),
          stdio: "ignore",
        });
        const ended = new Promise((gone) => child.on("close", gone));
        const begun = () => listed(folder).some((name) => name.startsWith("."));
        while (!begun()) await new Promise((again) => setTimeout(again, 20));
        await new Promise((again) => setTimeout(again, 300));
        child.kill(signal);
        await ended;
        assert.deepEqual(signal === "SIGKILL" ? visible(folder) : listed(folder), ["there.csv"]);
        assert.equal(readFileSync(join(folder, "there.csv"), "utf8"), "i,k\n0,0\n");
      });
    }
  }

  it("leaves behind, when it is killed, no file that a pattern of its format matches", { timeout: 30_000 }, async () => {
    const { folder } = shopFolder();
    const args = ["export", "shop.db", endlessRows, ...(ways["partition-by"] ?? [])];
    const child = spawn(binary, args, { cwd: folder, env: privateEnvironment(folder), stdio: "ignore" });
    const ended = new Promise((gone) => child.on("close", gone));
    const found = () => readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.includes("k="));
    while (found().length === 0) await new Promise((again) => setTimeout(again, 20));
    child.kill("SIGKILL");
    await ended;
    assert.deepEqual(
      found().filter((name) => name.endsWith(".csv")),
      [],
    );
    assert.ok(!existsSync(join(folder, "out")));
  });

  it("shows every way in its help", async () => {
    const { stdout } = await tidegate(["export", "--help"]);
    for (const option of ["--partition-by", "--split", "--append", "--compress", "{date}"]) assert.ok(stdout.includes(option), option);
  });
});
