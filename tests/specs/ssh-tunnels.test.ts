import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { createTunnels } from "../../core/connection/ssh/tunnels.ts";
import { tempFolder } from "../support/binary.ts";
import { problemOf } from "../support/config-folder.ts";

const path = process.env.PATH ?? "";
const to = { host: "db", port: 5432 };
const signal = new AbortController().signal;
const left = () => readdirSync(tmpdir()).filter((name) => name.startsWith("tidegate-ssh-"));

/** Puts a program named `ssh` before the real one. */
function fakeSsh(script: string): string {
  const folder = tempFolder();
  writeFileSync(join(folder, "ssh"), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, "ssh"), 0o755);
  process.env.PATH = `${folder}:${path}`;
  return folder;
}

describe("a tunnel whose ssh leaves a process behind that holds its pipes", { skip: process.platform === "win32" && "no sh" }, () => {
  afterEach(() => {
    process.env.PATH = path;
  });
  const daemon = (folder: string) => `setsid sh -c 'echo $$ > ${folder}/daemon; exec sleep 30' &`;
  const endDaemon = (folder: string) => process.kill(Number(readFileSync(join(folder, "daemon"), "utf8")), "SIGKILL");

  it("can be closed all the same", async () => {
    const folder = tempFolder();
    fakeSsh(`${daemon(folder)} echo ready; exec sleep 30`);
    const before = left();
    const tunnels = createTunnels({ host: "far" });
    await tunnels.reach(to, signal);
    await tunnels.close();
    assert.deepEqual(left(), before);
    endDaemon(folder);
  });

  it("says why it did not open", async () => {
    const folder = tempFolder();
    fakeSsh(`${daemon(folder)} echo 'Host key verification failed.' >&2; exit 255`);
    const { code, message } = await problemOf(createTunnels({ host: "far" }).reach(to, signal));
    assert.deepEqual([code, message], ["CONNECTION_FAILED", 'Cannot open the SSH tunnel over "far": the key of "far" is not known yet']);
    endDaemon(folder);
  });
});
