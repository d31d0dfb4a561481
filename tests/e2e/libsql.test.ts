import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { isolated } from "../../core/connection/isolate.ts";
import { readAbout } from "../../core/plugin/author/about.ts";
import { pack } from "../../core/plugin/author/pack.ts";
import { platform } from "../../core/plugin/manifest.ts";
import activate from "../../plugins/libsql/plugin.ts";
import { filesOf } from "../../scripts/pack-plugin.ts";
import { describeDriver } from "../contract/driver.ts";
import { cannot, driverOf, libsqlFixture, targetAt } from "../drivers/libsql-suite.ts";
import { binary, tempFolder, tidegate } from "../support/binary.ts";
import { createTestRegistry } from "../support/plugin-registry.ts";
import { type LibsqlServer, libsqlAbsence, startLibsql } from "../support/services-libsql.ts";

const source = resolve(import.meta.dirname, "../../plugins/libsql");
const registry = createTestRegistry();
const folder = tempFolder();
const run = (args: readonly string[], env: Record<string, string> = {}) =>
  tidegate(args, { cwd: folder, env: { ...registry.env(), ...env } });

async function publish(): Promise<void> {
  const about = readAbout(source);
  const { entry, archive } = pack(about, { platform: platform(), files: await filesOf(source, about, platform()) });
  writeFileSync(join(registry.folder, entry.file), archive);
  registry.publish([entry]);
}

await publish();
const installed = await run(["plugin", "install", "libsql"]);

describe("the libSQL driver, installed from a signed registry into the compiled binary", () => {
  const query = async (sql: string, ...args: string[]) => {
    const { stdout, stderr, code } = await run(["query", "libsql:./x.db", sql, "--format", "csv", ...args]);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  before(async () => {
    assert.equal(installed.code, 0, installed.stderr);
    const { code, stderr } = await run([
      "query",
      "libsql:./x.db?create=true",
      "create table t (id integer primary key, name text)",
      "--write",
    ]);
    assert.equal(code, 0, stderr);
  });

  it("brings its own engine, for this machine", async () => {
    assert.match(installed.stderr, /libSQL 1\.0\.0, .* needs: network, files, native, env \(LIBSQL_AUTH_TOKEN, TURSO_AUTH_TOKEN\)/);
    assert.ok(existsSync(join(folder, "data/plugins/libsql/native/libsql.node")));
    assert.equal(await query("select 1"), "1\n1\n");
    assert.match((await run(["plugin", "verify"])).stdout, /libsql +1\.0\.0, 2 files/);
  });

  it("reads and writes a file exactly, and writes only through an opened gate", async () => {
    assert.equal((await run(["query", "libsql:./x.db", "insert into t (name) values ('no')"])).code, 4);
    await query("insert into t values (9223372036854775807, 'a' || char(0) || 'b')", "--write");
    assert.equal(await query("insert into t (id, name) values (1, 'é') returning id, name", "--write"), "id,name\n1,é\n");
    assert.equal(await query("select * from t order by id"), "id,name\n1,é\n9223372036854775807,a\0b\n");
  });

  it("does not let a query reach the files of the machine", async () => {
    for (const sql of ["select writefile('pwned', 'x')", "select readfile('x.db')", "select * from fsdir('.')"]) {
      const { code, stderr } = await run(["query", "libsql:./x.db", sql]);
      assert.equal(code, 4, stderr);
    }
    assert.ok(!readdirSync(folder).includes("pwned"));
  });

  it("exports, but never over the database it reads", async () => {
    const { code, stderr } = await run(["export", "libsql:./x.db", "select * from t", "--to", "t.csv"]);
    assert.equal(code, 0, stderr);
    const before = readFileSync(join(folder, "x.db"));
    for (const to of ["x.db", "x.db-wal"]) {
      const refused = await run(["export", "libsql:./x.db", "select * from t", "--to", to, "--format", "csv", "--overwrite"]);
      assert.notEqual(refused.code, 0, to);
    }
    assert.deepEqual(readFileSync(join(folder, "x.db")), before);
  });

  it("holds a role to what it may see", async () => {
    const policy = join(folder, "policy.yaml");
    const rules = "[{ access: read }, { table: t, column: name, mask: redact }, { table: t, where: id = 1 }, { table: u, access: none }]";
    writeFileSync(policy, `version: 1\ndefault: [analyst]\nroles: { analyst: { rules: ${rules} } }\n`);
    await query("create table if not exists u (a)", "--write");
    const asAnalyst = (sql: string) => run(["query", "libsql:./x.db", sql, "--format", "csv"], { TIDEGATE_POLICY_FILE: policy });
    assert.equal((await asAnalyst("select main.t.id, t.name from main.t")).stdout, "id,name\n1,***\n");
    assert.equal(
      (await asAnalyst("with n as (select name from t) select count(*), max(name) from n")).stdout,
      "count(*),max(name)\n1,***\n",
    );
    for (const sql of ["select * from u", "select count(*) from t natural join u", "select * from generate_series(1, 2)"])
      assert.notEqual((await asAnalyst(sql)).code, 0, sql);
  });

  it("stops a statement that keeps the engine busy", async () => {
    const endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select sum(i) from n";
    const { code, stderr } = await run(["query", "libsql:./x.db", endless, "--timeout", "300ms"]);
    assert.equal(code, 6, stderr);
  });

  it("says which file is missing, and finds near names", async () => {
    assert.match((await run(["query", "libsql:./no.db", "select 1"])).stderr, /There is no database file ".*no\.db"/);
    assert.match((await run(["query", "libsql:./x.db", "select nmae from t"])).stderr, /Did you mean "t\.name"/);
  });
});

describe("a libSQL server, through the compiled binary", { skip: libsqlAbsence() ?? false }, () => {
  let server: LibsqlServer;
  before(async () => {
    server = await startLibsql();
  });
  after(() => server?.stop());

  it("is read and written with a token that nothing shows, and followed by a replica", async () => {
    const token = server.token("rw");
    const url = `libsql+http://127.0.0.1:${server.port}`;
    const outcomes = [
      await run(["query", `${url}?authToken=${token}`, "create table t (id integer, name text)", "--write"]),
      await run(["query", url, "insert into t values (1, 'near'), (2, 'far')", "--write"], { LIBSQL_AUTH_TOKEN: token }),
      await run(["query", `libsql+ws://:${token}@127.0.0.1:${server.port}`, "select * from t", "--format", "csv"]),
      await run([
        "query",
        `libsql:replica.db?syncUrl=http://127.0.0.1:${server.port}&authToken=${token}`,
        "select * from t",
        "--format",
        "csv",
      ]),
      await run(["query", url, "select * from t"], { TURSO_AUTH_TOKEN: `${token}x` }),
      await run(["query", `${url}?authToken=${token}`, "select * from nowhere"]),
      await run(["doctor", `${url}?authToken=${token}`]),
      await run(["query", `libsql:bad.db?syncUrl=http://127.0.0.1:${server.port}&authToken=${token}x`, "select 1"]),
    ];
    const codes = outcomes.map(({ code }) => code);
    assert.deepEqual(codes, [0, 0, 0, 0, 6, 3, 0, 6], outcomes.map(({ stderr }) => stderr).join("\n"));
    assert.equal(outcomes[2]?.stdout, "id,name\n1,near\n2,far\n");
    assert.equal(outcomes[3]?.stdout, "id,name\n1,near\n2,far\n");
    assert.match(outcomes[4]?.stderr ?? "", /does not accept the token/);
    assert.match(outcomes[7]?.stderr ?? "", /does not accept the token/);
    for (const { stdout, stderr } of outcomes) assert.ok(!`${stdout}${stderr}`.includes(token));
  });
});

describeDriver({
  name: "libsql in a process of its own",
  driver: isolated(
    driverOf(await activate({ contract: 1, log: () => undefined })),
    { plugin: join(folder, "data/plugins/libsql"), driver: "libsql" },
    [binary, "__seat"],
  ),
  target: targetAt("libsql", join(folder, "suite.db")),
  writableTarget: targetAt("libsql", join(folder, "suite.db"), { create: "true" }),
  fixture: libsqlFixture([{ target: targetAt("libsql", join(folder, "missing.db")), code: "NOT_FOUND" }]),
  cannot,
});
