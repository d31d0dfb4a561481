import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { effectiveValues } from "../../core/config/effective.ts";
import { createConfigFolder, problemOf } from "../support/config-folder.ts";

const folder = createConfigFolder();
after(() => folder.remove());

const load = (ssh: string) => folder.loadText(`connections:\n  sales:\n    target: postgres://app@db.internal/sales\n    ssh: ${ssh}\n`);
const sshOf = async (ssh: string) => (await load(ssh)).connections.sales?.ssh;

describe("ssh of a connection", () => {
  it("is a host, with its user and port where they are not those of ~/.ssh/config", async () => {
    assert.deepEqual(await sshOf("bastion"), { host: "bastion" });
    assert.deepEqual(await sshOf("me@bastion.example.com:2222"), { host: "bastion.example.com", user: "me", port: 2222 });
    assert.deepEqual(await sshOf('"me@[2001:db8::1]:22"'), { host: "[2001:db8::1]", user: "me", port: 22 });
  });

  it("is a map with the whole way, its paths starting at the file's folder", async () => {
    const written = "{ host: inner, jump: 'me@outer,middle:2222', identity: ./id, agent: none, knownHosts: ~/hosts, port: 22 }";
    assert.deepEqual(await sshOf(written), {
      host: "inner",
      port: 22,
      jump: "me@outer,middle:2222",
      identity: folder.path("project/id"),
      agent: "none",
      knownHosts: folder.path("hosts"),
    });
  });

  it("is shown with where it was written", async () => {
    const config = await load("\n      host: inner\n      jump: outer,middle");
    const shown = effectiveValues(config, folder.project).filter(({ path }) => path[2] === "ssh");
    assert.deepEqual(
      shown.map(({ path, value, origin }) => [path.join("."), value, origin]),
      [
        ["connections.sales.ssh.host", "inner", "tidegate.yaml:5"],
        ["connections.sales.ssh.jump", "outer,middle", "tidegate.yaml:6"],
      ],
    );
  });

  it("takes nothing that ssh or a shell could read as more than a name", async () => {
    const refused: readonly [string, string][] = [
      ["-oProxyCommand=id", "ssh (line 4)"],
      ["a;id", "ssh (line 4)"],
      ["{ host: -oProxyCommand=id }", "ssh.host (line 4)"],
      ['{ host: "a b" }', "ssh.host (line 4)"],
      ["{ host: $(id) }", "ssh.host (line 4)"],
      ["{ host: a, user: -l }", "ssh.user (line 4)"],
      ['{ host: a, jump: "b,c`id`" }', "ssh.jump (line 4)"],
      ["{ host: a, jump: b:99999 }", "ssh.jump (line 4)"],
      ["{ host: a, port: 0 }", "ssh.port (line 4)"],
      [`{ host: a, identity: 'x"y' }`, "ssh.identity (line 4)"],
      ['{ host: a, knownHosts: "x\\ny" }', "ssh.knownHosts (line 4)"],
    ];
    for (const [written, place] of refused) {
      const found = await problemOf(load(written));
      assert.equal(found.code, "CONFIG_INVALID");
      assert.ok(found.message.includes(`connections.sales.${place}`), found.message);
    }
  });

  it("says which key was meant, and needs a host", async () => {
    const misspelt = await problemOf(load("{ host: a, identty: b }"));
    assert.deepEqual(
      [misspelt.message, misspelt.hint],
      ["Cannot load tidegate.yaml at connections.sales.ssh.identty (line 4): this key is unknown", 'Did you mean "identity"?'],
    );
    assert.match((await problemOf(load("{ user: me }"))).message, /connections\.sales\.ssh\.host .*wanted a host's name/);
  });

  it("shows no password that was written by mistake", async () => {
    for (const written of ["me:canary@bastion", "ssh://me:canary@bastion"]) {
      const { message, hint } = await problemOf(load(`"${written}"`));
      assert.doesNotMatch(`${message} ${hint}`, /canary/);
    }
  });
});
