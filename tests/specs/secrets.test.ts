import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Problem } from "../../core/problem.ts";
import { commandWords } from "../../core/secrets/command-line.ts";
import { createSecrets, literal, readReference, showReference } from "../../core/secrets/resolve.ts";
import { problemOf } from "../support/config-folder.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "tidegate-secrets-")));
after(() => rmSync(folder, { recursive: true, force: true }));
const warnings: string[] = [];
const secrets = createSecrets({
  env: { PATH: process.env.PATH, SALES_PASSWORD: "hunter2", EMPTY: "", BUN_OPTIONS: "--nothing" },
  home: folder,
  warn: (message) => void warnings.push(message),
});
const from = { folder, signal: new AbortController().signal };
const read = async (text: string) => (await secrets.read(text, from)).reveal();
const refusal = async (text: string) => {
  const found = await problemOf(secrets.read(text, from));
  assert.equal(found.code, "SECRET_UNAVAILABLE");
  assert.ok(found.hint);
  return found.message;
};
const write = (name: string, content: string | Uint8Array, mode = 0o600) => {
  writeFileSync(join(folder, name), content);
  chmodSync(join(folder, name), mode);
};

describe("a text that may refer to a secret", () => {
  it("is a reference when it begins with a provider's name, and the secret itself otherwise", () => {
    assert.deepEqual(readReference("keyring:sales"), { provider: "keyring", name: "sales", valid: true });
    assert.deepEqual(readReference("cmd: op read op://a/b "), { provider: "cmd", name: "op read op://a/b", valid: true });
    for (const text of ["hunter2", "ENV:X", "constructor:x", "https://x", " env:X", ""]) assert.equal(readReference(text), undefined);
    for (const text of ["env:", "env:1X", "file:", "cmd:", "cmd:'a", "cmd:a | b", "keyring:a/b", "keyring:"])
      assert.equal(readReference(text)?.valid, false, text);
  });

  it("is the secret itself behind text:, whatever it looks like", async () => {
    assert.equal(await read("hunter2"), "hunter2");
    for (const text of ["env:X", "text:x", "plain"]) assert.equal(await read(literal(text)), text);
  });

  it("is shown without what could be secret", () => {
    assert.equal(showReference("keyring:sales"), "keyring:sales");
    assert.equal(showReference("cmd:printf hunter2"), "cmd:printf [secret]");
    assert.equal(showReference("cmd:/usr/bin/token"), "cmd:/usr/bin/token");
    assert.equal(showReference("hunter2"), undefined);
  });
});

describe("env:", () => {
  it("is looked up when it is needed", async () => {
    assert.equal(await read("env:SALES_PASSWORD"), "hunter2");
  });

  it("says which variable is missing, and suggests a near one", async () => {
    assert.match(await refusal("env:NOWHERE_SET"), /"NOWHERE_SET" is not set/);
    assert.match((await problemOf(secrets.read("env:SALES_PASWORD", from))).hint ?? "", /SALES_PASSWORD/);
    assert.match(await refusal("env:EMPTY"), /is empty/);
    assert.match(await refusal("env:constructor"), /is not set/);
  });
});

describe("file:", () => {
  it("drops one newline at the end, and nothing else", async () => {
    for (const [content, secret] of [
      ["hunter2\n", "hunter2"],
      ["hunter2\r\n", "hunter2"],
      ["a\n\n", "a\n"],
      [" a b ", " a b "],
      ["\u{feff}päss\u{1f511}", "päss\u{1f511}"],
    ] as const) {
      write("one", content);
      assert.equal(await read("file:one"), secret);
      assert.equal(await read(`file:${join(folder, "one")}`), secret);
      assert.equal(await read("file:~/one"), secret);
    }
  });

  it("is read again each time, so that a rotated secret is found", async () => {
    write("rotated", "first");
    assert.equal(await read("file:rotated"), "first");
    write("rotated", "second");
    assert.equal(await read("file:rotated"), "second");
  });

  it("refuses what cannot be a secret", async () => {
    write("empty", "\n");
    write("binary", new Uint8Array([0xff, 0xfe, 0x00]));
    write("nul", "a\0b");
    write("big", "x".repeat(64 * 1024 + 1));
    mkdirSync(join(folder, "folder"));
    assert.match(await refusal("file:nowhere"), /there is no such file/);
    assert.match(await refusal("file:empty"), /is empty/);
    assert.match(await refusal("file:binary"), /not UTF-8/);
    assert.match(await refusal("file:nul"), /NUL/);
    assert.match(await refusal("file:big"), /bigger than 64 KB/);
    assert.match(await refusal("file:folder"), /it is not a file|EISDIR/);
  });

  it("warns once of a file of ours that everyone can read", async () => {
    write("open", "hunter2", 0o644);
    symlinkSync("open", join(folder, "link"));
    warnings.length = 0;
    for (const name of ["open", "open", "link", "one"]) await read(`file:${name}`);
    if (process.platform === "win32") return;
    assert.deepEqual(
      warnings.map((warning) => /"(.*)"/.exec(warning)?.[1]),
      [join(folder, "open"), join(folder, "link")],
    );
    assert.ok(!warnings.join().includes("hunter2"));
  });
});

describe("cmd:", () => {
  it("takes what a program prints, in the folder of the file that named it", async () => {
    write("password", "hunter2\n");
    assert.equal(await read("cmd:cat password"), "hunter2");
    assert.equal(await read("cmd: printenv SALES_PASSWORD"), "hunter2");
    assert.match(await refusal("cmd:printenv BUN_OPTIONS"), /failed with exit code 1/);
  });

  it("runs no shell: what a shell would expand or join is an argument like any other", async () => {
    assert.equal(await read("cmd:echo $HOME `id` a;b *"), "$HOME `id` a;b *");
    assert.deepEqual(commandWords(`op 'a b' "c 'd'" e"f g"h C:\\x ''`), ["op", "a b", "c 'd'", "ef gh", "C:\\x", ""]);
  });

  it("says why there is no secret, without a word of what the program wrote", async () => {
    assert.match(await refusal("cmd:no-such-program-anywhere x"), /no program "no-such-program-anywhere"/);
    assert.match(await refusal(`cmd:sh -c 'echo hunter2; echo hunter2 >&2; exit 3'`), /^The program "sh" .* failed with exit code 3$/);
    assert.match(await refusal(`cmd:sh -c 'kill -9 $$'`), /was ended by SIGKILL/);
    assert.match(await refusal("cmd:yes"), /printed more than 64 KB/);
    assert.match(await refusal("cmd:true"), /is empty/);
  });

  it("does not wait for a daemon that keeps the output open", async () => {
    assert.equal(await read(`cmd:sh -c 'sleep 30 & echo hunter2'`), "hunter2");
  });

  it("is left at once by whoever cancels, and ended with the last who waits", async () => {
    const stop = new AbortController();
    const waiting = secrets.read(`cmd:sh -c 'echo $$ > started; exec sleep 60'`, { folder, signal: stop.signal });
    while ((await read("file:started").catch(() => "")) === "");
    stop.abort(new Problem({ code: "CANCELLED", message: "Cancelled" }));
    assert.equal((await problemOf(waiting)).code, "CANCELLED");
    const pid = Number(await read("file:started"));
    const isRunning = () => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    };
    while (isRunning()) await read("env:SALES_PASSWORD").then(() => new Promise((done) => setTimeout(done, 5)));
  });

  it("runs once for calls at the same time, and again for the next", async () => {
    const command = `cmd:sh -c 'echo x >> runs; cat runs'`;
    const [first, second] = await Promise.all([read(command), read(command)]);
    assert.deepEqual([first, second, await read(command)], ["x", "x", "x\nx"]);
  });
});
