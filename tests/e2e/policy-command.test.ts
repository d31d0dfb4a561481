import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { privateEnvironment, tempFolder, tidegate } from "../support/binary.ts";

const home = tempFolder();
const folder = join(home, "tidegate-demo");
const run = (...args: string[]) => tidegate(["policy", ...args], { cwd: folder, env: privateEnvironment(home) });
const good = async (...args: string[]) => {
  const outcome = await run(...args);
  assert.equal(outcome.code, 0, outcome.stderr);
  return outcome.stdout;
};
const policy = `version: 1
default: [analyst]
roles:
  analyst:
    rules:
      - { connection: shop, access: read }
      - { connection: shop, table: customers, column: email, mask: hash }
      - { connection: shop, table: orders, where: "status = :principal.status" }
      - { connection: shop, table: reviews, access: none }
`;

before(async () => {
  await tidegate(["demo", folder, "--quiet"], { cwd: home, env: privateEnvironment(home) });
  writeFileSync(join(folder, "tidegate.yaml"), "connections:\n  shop: ./shop.db\n");
  writeFileSync(join(folder, "policy.yaml"), policy);
});

describe("tidegate policy check", () => {
  const check = (...args: string[]) => run("check", "shop", "--policy", "policy.yaml", ...args);

  it("tells verdict, rule, masks, limits, fingerprint and the SQL the engine would get", async () => {
    const { stdout, code } = await check("--as", "analyst", "--sql", "select email from customers");
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^verdict +allowed on shop\nrule +role analyst, rule 2 \(policy\.yaml:7\)\nmasked +main\.customers\.email: hash\n/,
    );
    assert.match(stdout, /\nfingerprint +[0-9a-f]{16}\nsql +.*tidegate_hash/);
  });

  it("tells the same as JSON, and a refusal with its rule and the refusal's exit code", async () => {
    const allowed = JSON.parse(
      (await check("--as", "analyst", "--value", "status=paid", "--sql", "select * from orders", "--format", "json")).stdout,
    );
    assert.deepEqual([allowed.verdict, allowed.filters], ["allowed", { "main.orders": ["status = :status"] }]);
    const denied = await check("--as", "analyst", "--sql", "select * from reviews", "--format", "json");
    const { verdict, code, rules } = JSON.parse(denied.stdout);
    assert.deepEqual([verdict, code, rules], ["denied", "NOT_FOUND", ["role analyst, rule 4 (policy.yaml:9)"]]);
    assert.equal(denied.code, 3);
    assert.equal(JSON.parse(denied.stderr).code, "NOT_FOUND");
  });

  it("runs nothing", async () => {
    const { stdout } = await check("--as", "analyst", "--write", "--sql", "delete from customers");
    assert.match(stdout, /^verdict +denied/);
    assert.match(
      (await tidegate(["query", "shop", "select count(*) as n from customers"], { cwd: folder, env: privateEnvironment(home) })).stdout,
      /^n\n5000/,
    );
  });

  const wrong: readonly (readonly [string, string[], RegExp])[] = [
    ["a role that is not there", ["--as", "analist"], /No role is named "analist"\nTry: Did you mean "analyst"\?/],
    ["nobody", [], /Nobody was named.*\nTry: Give --as <role>, or --principal <id>/],
    ["a role and a principal", ["--as", "analyst", "--principal", "x"], /or two were/],
    ["a value without a name", ["--as", "analyst", "--value", "EU"], /wanted name=value/],
    ["a policy that is not there", ["--as", "analyst", "--policy", "nope.yaml"], /there is no such file/],
    ["a connection twice", ["--as", "analyst", "--connection", "shop"], /both given/],
  ];
  for (const [title, args, words] of wrong) {
    it(`refuses ${title}`, async () => {
      const { stderr, code } = await check("--sql", "select 1", ...args);
      assert.notEqual(code, 0);
      assert.match(stderr, words);
    });
  }

  it("says how to get a policy where there is none", async () => {
    assert.match(
      (await run("check", "shop", "--as", "a", "--sql", "select 1")).stderr,
      /No policy is configured\nTry: .*tidegate policy init/,
    );
  });
});

describe("tidegate policy test", () => {
  const page = readFileSync(new URL("../../docs/policy.md", import.meta.url), "utf8");
  const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text = ""]) => text);
  const documented = blocks.find((text) => text.includes("tests:")) ?? assert.fail("docs/policy.md shows no test");
  const tested = blocks.find((text) => text.includes("Reads the shop")) ?? assert.fail("docs/policy.md shows no policy");

  it("passes what docs/policy.md shows", async () => {
    const { mkdtempSync } = await import("node:fs");
    const place = mkdtempSync(join(home, "docs-"));
    writeFileSync(join(place, "policy.yaml"), tested);
    writeFileSync(join(place, "policy.test.yaml"), documented);
    assert.match(await good("test", join(place, "policy.test.yaml")), /^(ok .*\n){3}3 passed, 0 failed\n$/);
  });

  it("ends with 1 when an expectation is not met, and says how", async () => {
    const expectations = `policy: policy.yaml
connection: shop
target: ./shop.db
tests:
  - { name: masks, as: analyst, sql: select email from customers, expect: allowed, masks: { main.customers.email: redact } }
  - { as: analyst, sql: select * from reviews, expect: denied, rule: rule 4 }
`;
    writeFileSync(join(folder, "policy.test.yaml"), expectations);
    const { code, stdout } = await run("test", "policy.test.yaml");
    assert.equal(code, 1);
    assert.match(
      stdout,
      /^not ok {2}masks\n +expected masks main\.customers\.email: redact, is main\.customers\.email: hash\nok .*\n1 passed, 1 failed\n$/,
    );
    const json = await run("test", "policy.test.yaml", "--format", "json");
    assert.deepEqual([json.code, JSON.parse(json.stdout).failed], [1, 1]);
  });

  it("refuses a role that is not there, and a file that is none", async () => {
    writeFileSync(join(folder, "odd.test.yaml"), "policy: policy.yaml\nconnection: shop\ntests: [{ as: analist, sql: a, expect: denied }]");
    assert.match((await run("test", "odd.test.yaml")).stderr, /No role is named "analist"/);
    assert.match((await run("test", "nope.yaml")).stderr, /Cannot read the policy test "nope\.yaml"/);
  });
});

describe("tidegate policy", () => {
  it("proposes a policy that passes its own check", async () => {
    const proposed = await good("init", "shop");
    assert.match(proposed, /table: customers, column: email, mask: partial \} {2}# an e-mail address/);
    writeFileSync(join(folder, "proposed.yaml"), proposed);
    assert.match(await good("lint", "--live", "--policy", "proposed.yaml"), /^OK: 1 role, 3 rules/);
  });

  it("shows what changes for whom, by name and on a live catalog", async () => {
    writeFileSync(join(folder, "new.yaml"), policy.replace("mask: hash", "mask: null").replace("table: reviews", "table: products"));
    for (const target of [[], ["shop"]]) {
      const changes = await good("diff", "policy.yaml", "new.yaml", ...target, "--quiet");
      assert.match(changes, /^role analyst {2}shop: (main\.)?customers\.email: masked \(hash\) → masked \(null\)$/m);
      assert.match(changes, /^role analyst {2}shop: (main\.)?reviews: hidden → select$/m);
      assert.equal(changes.trim().split("\n").length, 3);
    }
    assert.equal(await good("diff", "policy.yaml", "policy.yaml"), "");
  });

  it("finds what cannot hold against the live catalog", async () => {
    writeFileSync(
      join(folder, "flawed.yaml"),
      `${policy}      - { connection: shop, table: custmers, access: none }\n      - { table: customers, column: emial, mask: hash }\n      - { table: products, where: "nope = 1" }\n`,
    );
    const { code, stdout, stderr } = await run("lint", "--live", "--policy", "flawed.yaml");
    assert.equal(code, 2);
    assert.match(
      stdout,
      /flawed\.yaml:10: role analyst: the rule matches nothing on shop: there is no table "custmers"\. Did you mean "customers"\?/,
    );
    assert.match(stdout, /flawed\.yaml:11: role analyst: the rule names a column .*"emial"\. Did you mean "email"\?/);
    assert.match(stdout, /flawed\.yaml:12: role analyst: its expression cannot be used on shop: .*nope/);
    assert.match(stderr, /3 flaws/);
    assert.match(await good("lint", "--policy", "flawed.yaml"), /^OK/);
  });

  it("learns patterns from what was run, which then are all that may run", async () => {
    const env = { ...privateEnvironment(home), TIDEGATE_POLICY_FILE: join(folder, "policy.yaml") };
    const query = (sql: string, file = "policy.yaml") =>
      tidegate(["query", "shop", sql], { cwd: folder, env: { ...env, TIDEGATE_POLICY_FILE: join(folder, file) } });
    for (const id of [1, 2]) await query(`select email from customers where id = ${id}`);
    const learnt = await good("learn", "--min", "2");
    assert.match(learnt, /^patterns:\n {2}- "[0-9a-f]{16}" # 2 calls on shop, last [\d-]+\n$/);
    assert.equal(await good("learn", "--min", "2", "--from", "traces"), learnt);
    writeFileSync(join(folder, "learnt.yaml"), `${policy}${learnt.replace(/^/gm, "    ").trimEnd()}\n`);
    assert.equal((await query("select email from customers where id = 77", "learnt.yaml")).code, 0);
    const other = await query("select city from customers where id = 77", "learnt.yaml");
    assert.equal(other.code, 4);
    assert.match(other.stderr, /known statements only/);
    assert.match((await run("learn", "--from", "nope")).stderr, /There is no "nope" to learn from/);
  });

  it("explains a refusal from the audit", async () => {
    const env = { ...privateEnvironment(home), TIDEGATE_POLICY_FILE: join(folder, "policy.yaml") };
    const found = (await tidegate(["audit", "search", "--outcome", "refused", "--format", "json"], { cwd: folder, env })).stdout
      .trim()
      .split("\n")
      .at(-1);
    const { trace } = JSON.parse(found ?? "{}");
    const told = await good("explain-denial", trace);
    assert.match(
      told,
      /\noutcome +POLICY_DENIED\nreason +Role "analyst" allows known statements only.*\nrule +role analyst, patterns\ntouched +main\.customers\n/,
    );
    assert.match((await run("explain-denial", "0123abcd")).stderr, /has no call with the trace "0123abcd"/);
    assert.match((await run("explain-denial", "zzz")).stderr, /is no trace/);
  });

  it("prints what protects a file, and a schema that is JSON", async () => {
    assert.match(await good("role-sql", "shop"), /chmod u=rw,g=r,o= '.*shop\.db'/);
    assert.equal(JSON.parse(await good("schema")).title, "tidegate policy");
    assert.match((await run("role-sql", "shop", "--name", "a; drop")).stderr, /Cannot name a role/);
  });

  it("explains itself, and names near actions", async () => {
    for (const action of ["check", "test", "diff", "lint", "init", "learn", "role-sql", "schema", "explain-denial"])
      assert.match(await good(action, "--help"), new RegExp(`Examples:\\n {2}tidegate policy ${action}`));
    assert.match((await run("chek")).stderr, /Action "chek" is unknown\nTry: Did you mean "check"\?/);
  });
});
