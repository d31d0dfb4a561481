import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fetchBytes } from "../../core/plugin/fetch.ts";
import { problemOf } from "../support/config-folder.ts";

const signal = new AbortController().signal;

describe("fetching from a registry", () => {
  it("logs in with what the address holds, also when that is a token alone", async () => {
    const logins: string[] = [];
    const server = createServer(({ headers }, response) => {
      logins.push(Buffer.from((headers.authorization ?? "").replace("Basic ", ""), "base64").toString());
      response.end("x");
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const { port } = server.address() as AddressInfo;
    for (const login of ["", "me:p%40ss@", ":token@"]) {
      const { bytes } = await fetchBytes(new URL(`http://${login}127.0.0.1:${port}/index.json`), 0, signal);
      for await (const _ of bytes);
    }
    server.close();
    assert.deepEqual(logins, ["", "me:p@ss", ":token"]);
  });

  it("refuses a login that cannot be read, and repeats nothing of it", async () => {
    const { code, message, cause } = await problemOf(fetchBytes(new URL("http://me:50%zz@127.0.0.1:1/x"), 0, signal));
    assert.deepEqual([code, cause], ["INPUT_INVALID", undefined]);
    assert.doesNotMatch(message, /50|zz/);
  });

  it("waits for nothing more once it has failed", () => {
    const program = join(import.meta.dirname, "../../core/plugin/fetch.ts");
    const script = `import { fetchBytes } from ${JSON.stringify(program)};
      await fetchBytes(new URL("http://127.0.0.1:1/x"), 0, new AbortController().signal).catch(({ code }) => console.log(code));`;
    const args = "Deno" in globalThis ? ["eval"] : ["-e"];
    assert.equal(execFileSync(process.execPath, [...args, script], { encoding: "utf8", timeout: 15_000 }).trim(), "CONNECTION_FAILED");
  });
});
