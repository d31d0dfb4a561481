import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Principal } from "../../core/contract/policy.ts";
import { createRoles } from "../../core/policy/roles/store.ts";
import { Problem } from "../../core/problem.ts";

const local: Principal = { id: "local", roles: [], via: "local" };
const policy = (access: string) => `version: 1\ndefault: [r]\nroles: { r: { rules: [{ access: ${access} }] } }\n`;

describe("policy files", () => {
  let folder = "";
  let path = "";
  const clock = { now: 0 };
  const said: { error: string[]; info: string[] } = { error: [], info: [] };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tidegate-test-"));
    path = join(folder, "policy.yaml");
    clock.now = 0;
    said.error.length = 0;
    said.info.length = 0;
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const open = (at = path) =>
    createRoles({
      path: at,
      stateFolder: join(folder, "state"),
      connections: ["shop"],
      tools: [],
      log: { error: (text) => said.error.push(text), info: (text) => said.info.push(text) },
      now: () => clock.now,
    });
  const mayRead = async (roles: Awaited<ReturnType<typeof open>>) => {
    clock.now += 1001;
    await roles.settled();
    return roles
      .current()
      ?.permissions({ ...local })
      .grants.table({ connection: "shop", table: "t" })
      .may("select");
  };
  const refused = (work: Promise<unknown>, words: RegExp) =>
    assert.rejects(work, (error) => {
      assert.ok(error instanceof Problem);
      assert.equal(error.code, "CONFIG_INVALID");
      assert.match(error.message, words);
      assert.ok(error.hint);
      return true;
    });

  it("are in force again as soon as they change", async () => {
    writeFileSync(path, policy("read"));
    const roles = await open();
    assert.equal(await mayRead(roles), true);
    writeFileSync(path, policy("none"));
    assert.equal(await mayRead(roles), false);
    assert.match(said.info.join(), /loaded again/);
  });

  it("are noticed when an editor puts another file in their place", async () => {
    writeFileSync(path, policy("read"));
    const roles = await open();
    writeFileSync(join(folder, "new"), policy("none"));
    renameSync(join(folder, "new"), path);
    assert.equal(await mayRead(roles), false);
  });

  it("stay as they were while what is there cannot be loaded, and say so once", async () => {
    writeFileSync(path, policy("read"));
    const roles = await open();
    writeFileSync(path, "version: 1\nroles: {");
    assert.equal(await mayRead(roles), true);
    assert.equal(await mayRead(roles), true);
    assert.equal(said.error.length, 1);
    assert.match(said.error[0] ?? "", /policy\.yaml:2: .*The earlier policy stays/);
    rmSync(path);
    assert.equal(await mayRead(roles), true);
    writeFileSync(path, policy("none"));
    assert.equal(await mayRead(roles), false);
  });

  it("are refused while anybody may write them, also later", {
    skip: process.platform === "win32" && "Windows has no such permissions",
  }, async () => {
    writeFileSync(path, policy("read"));
    const roles = await open();
    writeFileSync(path, policy("none"));
    chmodSync(path, 0o666);
    await refused(open(), /anybody may write/);
    assert.equal(await mayRead(roles), true);
    chmodSync(path, 0o644);
    assert.equal(await mayRead(roles), false);
  });

  it("are refused when they cannot be read, or are not there", async () => {
    await refused(open(), /no such file/);
    mkdirSync(join(folder, "empty"));
    await refused(open(join(folder, "empty")), /holds no \.yaml file/);
    mkdirSync(join(folder, "odd", "policy.yaml"), { recursive: true });
    await refused(open(join(folder, "odd")), /cannot be read: EISDIR/);
  });

  it("of a folder are one policy, tests left out, and a new one is noticed", async () => {
    const several = join(folder, "policies");
    mkdirSync(several);
    writeFileSync(join(several, "a.yaml"), policy("read"));
    writeFileSync(join(several, "a.test.yaml"), "not a policy");
    const roles = await open(several);
    assert.equal(await mayRead(roles), true);
    writeFileSync(join(several, "b.yml"), "version: 1\nroles: { other: {} }\n");
    await mayRead(roles);
    assert.deepEqual(roles.current()?.roles, ["r", "other"]);
  });

  it("that name a Casbin policy follow that as well", async () => {
    const model = `[request_definition]\nr = sub, obj, act\n[policy_definition]\np = sub, obj, act\n[policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\nm = r.sub == p.sub && keyMatch(r.obj, p.obj) && r.act == p.act\n`;
    writeFileSync(join(folder, "model.conf"), model);
    writeFileSync(join(folder, "rules.csv"), "p, local, shop/*, select\n");
    writeFileSync(path, "version: 1\ncasbin: { model: model.conf, policy: rules.csv }\n");
    const roles = await open();
    assert.equal(await mayRead(roles), true);
    writeFileSync(join(folder, "rules.csv"), "p, somebody, shop/*, select\n");
    assert.equal(await mayRead(roles), false);
  });

  it("have a salt of their own, made once and readable by their owner only", async () => {
    writeFileSync(path, policy("read"));
    const [one, other] = [await open(), await open()];
    assert.match(one.salt(), /^[0-9a-f]{32}$/);
    assert.equal(one.salt(), other.salt());
    const kept = join(folder, "state", "mask.salt");
    assert.ok(!readFileSync(kept, "utf8").includes(one.salt()));
    if (process.platform !== "win32") assert.equal(statSync(kept).mode & 0o777, 0o600);
  });
});
