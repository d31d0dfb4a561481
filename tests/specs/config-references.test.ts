// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of configuration files.
import assert from "node:assert/strict";
import { after, beforeEach, describe, it } from "node:test";
import { effectiveValues } from "../../core/config/effective.ts";
import { createConfigFolder, type LoadOptions, problemOf } from "../support/config-folder.ts";

let folder = createConfigFolder();
beforeEach(() => {
  folder.remove();
  folder = createConfigFolder();
});
after(() => folder.remove());

/** The connection that a user's own file, which may name commands, says in these lines. */
async function loaded(lines: string, options: LoadOptions = {}) {
  folder.write(".config/tidegate/config.yaml", `connections:\n  sales:\n    target: postgres://app@db/sales\n${lines}`);
  const config = await folder.load(options);
  const { password, options: driver } = config.connections.sales ?? assert.fail();
  const shown = effectiveValues(config, folder.project).filter(({ path }) => /password|options/.test(path.join(".")));
  return { password, driver, shown: shown.map(({ value }) => value) };
}

describe("a connection's password", () => {
  it("is kept as it is written when it is a reference, and looked up by nobody yet", async () => {
    for (const text of ["env:NOT_SET", "file:/nowhere", "cmd:no-such-program", "keyring:sales", "file:~/secrets/sales"])
      assert.equal((await loaded(`    password: ${text}\n`)).password, text);
    assert.equal((await loaded('    password: "cmd: op read op://vault/sales"\n')).password, "cmd: op read op://vault/sales");
  });

  it("is text, also when it is made of digits", async () => {
    assert.equal((await loaded("    password: 0123\n")).password, "0123");
    assert.match(
      (await problemOf(loaded("    password: true\n"))).message,
      /sales\.password \(line 4\): current value true, wanted a secret/,
    );
  });

  it("takes variables, whose content is never read as a reference", async () => {
    const env = { SALES: "hunter2", ODD: "cmd:rm -rf /", NAME: "sales" };
    assert.equal((await loaded("    password: ${SALES}\n", { env })).password, "hunter2");
    assert.equal((await loaded("    password: ${ODD}\n", { env })).password, "text:cmd:rm -rf /");
    assert.equal((await loaded("    password: keyring:${NAME}\n", { env })).password, "keyring:sales");
    assert.deepEqual((await loaded("    options: { token: '${ODD}', mode: '${ODD}' }\n", { env })).driver, {
      token: "text:cmd:rm -rf /",
      mode: "cmd:rm -rf /",
    });
  });

  it("is shown as the reference it is, never as the secret", async () => {
    const env = { SALES: "hunter2" };
    assert.deepEqual((await loaded("    password: keyring:sales\n")).shown, ["keyring:sales"]);
    assert.deepEqual((await loaded("    password: cmd:printf hunter2\n")).shown, ["cmd:printf [secret]"]);
    assert.deepEqual((await loaded("    password: hunter2\n")).shown, ["[secret]"]);
    assert.deepEqual((await loaded("    password: ${SALES}\n    options: { token: env:T, key: k, mode: m }\n", { env })).shown, [
      "[secret]",
      "env:T",
      "[secret]",
      "m",
    ]);
  });

  it("is refused when it refers to nothing that could be", async () => {
    for (const text of ["'env:'", "env:1X", "'file:'", "keyring:../x", "cmd:a | b", "'cmd:'"]) {
      const { message } = await problemOf(loaded(`    password: ${text}\n`));
      assert.match(message, /sales\.password \(line 4\): current value "?\[secret\]"?, wanted a secret, or where it is: env:NAME/, text);
      assert.match((await problemOf(loaded(`    options: { token: ${text} }\n`))).message, /options\.token \(line 4\)/);
    }
  });
});

describe("a reference inside a target", () => {
  it("is refused, because it would be sent to the server as the password", async () => {
    for (const target of [
      "postgres://app:keyring:sales@db/sales",
      "libsql://h?authToken=env:TOKEN",
      "keyring:sales",
      "libsql://h?a=1&password=file%3A/run/x",
    ]) {
      const { message } = await problemOf(folder.loadText(`connections: { sales: { target: "${target}" } }`));
      assert.match(message, /the reference goes beside it: password: keyring:name/, target);
    }
    await folder.loadText('connections: { sales: { target: "libsql://h?mode=env:x" } }');
  });
});

describe("a project's file", () => {
  it("may refer to secrets, but not name a command, because that is code", async () => {
    const text = (password: string) => `connections: { sales: { target: postgres://h/d, password: "${password}", options: { a: cmd:x } } }`;
    for (const password of ["env:X", "file:x", "keyring:x"]) await folder.loadText(text(password));
    for (const lines of [text("cmd: op read x"), "connections: { sales: { target: h, options: { token: cmd:x } } }"]) {
      const { code, message, hint } = await problemOf(folder.loadText(lines));
      assert.equal(code, "CONFIG_INVALID");
      assert.match(message, /a project file may not name a command/);
      assert.match(hint ?? "", /--config tidegate\.yaml/);
      await folder.load({ configPath: "tidegate.yaml" });
    }
  });
});
