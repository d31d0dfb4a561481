import assert from "node:assert/strict";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { type ConnectionSettings, createConnections } from "../../core/connection/connections.ts";
import type { Target } from "../../core/contract/driver.ts";
import { createSecrets } from "../../core/secrets/resolve.ts";
import { problemOf } from "../support/config-folder.ts";
import { memoryDriver } from "../support/memory-driver.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "tidegate-unlock-")));
after(() => rmSync(folder, { recursive: true, force: true }));
const never = new AbortController().signal;

/** Connections to an engine that notes what it was given. */
function room(settings: Partial<ConnectionSettings>, env: Readonly<Record<string, string>> = {}) {
  const { driver } = memoryDriver({});
  const seen: Target[] = [];
  const connections = createConnections({
    connections: [
      { name: "sales", target: "memory:x", folder, write: false, ...settings },
      { name: "open", target: "memory:y", folder, write: false },
    ],
    secrets: createSecrets({ env, warn: () => undefined }),
    drivers: [
      {
        ...driver,
        connect(target, options) {
          seen.push(target);
          return driver.connect(target, options);
        },
      },
    ],
    limits: { most: 2, waitMillis: 5000, idleMillis: 5000, lifetimeMillis: 60_000, checkAfterMillis: 5000 },
    unproved: () => undefined,
  });
  const open = () => connections.borrow("sales", "read", never);
  return { connections, seen, open };
}

describe("a connection whose password is kept elsewhere", () => {
  it("reads it when it opens and not before", async () => {
    const { connections, seen, open } = room(
      { password: "env:SALES", options: { token: "env:TOKEN", mode: "env:X" } },
      { SALES: "hunter2", TOKEN: "t" },
    );
    assert.equal(connections.reports()[0]?.state, "idle");
    await (await open()).release();
    assert.equal(seen[0]?.password?.reveal(), "hunter2");
    assert.deepEqual(seen[0]?.options, { token: "t", mode: "env:X" });
    assert.ok(!JSON.stringify([seen[0]?.password, connections.reports()]).includes("hunter2"));
    await connections.close();
  });

  it("reads it again for each connection it opens, so that a new password needs no restart", async () => {
    const path = join(folder, "password");
    writeFileSync(path, "first\n");
    const { connections, seen, open } = room({ password: "file:password" });
    await (await open()).release(true);
    writeFileSync(path, "second\n");
    await (await open()).release();
    assert.deepEqual(
      seen.map(({ password }) => password?.reveal()),
      ["first", "second"],
    );
    await connections.close();
  });

  it("says what is missing and what to do, and does not stop the others", async () => {
    const { connections, seen, open } = room({ password: "env:NOWHERE_AT_ALL" });
    const { code, message, hint } = await problemOf(open());
    assert.deepEqual(
      [code, message, hint],
      [
        "SECRET_UNAVAILABLE",
        'Cannot read the password of connection "sales": The environment variable "NOWHERE_AT_ALL" is not set',
        "Set NOWHERE_AT_ALL where tidegate is started",
      ],
    );
    assert.equal(seen.length, 0);
    assert.equal(connections.reports()[0]?.state, "failed");
    assert.match(connections.reports()[0]?.error ?? "", /NOWHERE_AT_ALL/);
    await (await connections.borrow("open", "read", never)).release();
    await connections.close();
  });

  it("leaves an option alone that the target says itself", async () => {
    const { connections, seen, open } = room({ target: "memory:x?token=own", options: { token: "env:TOKEN" } });
    await (await open()).release();
    assert.deepEqual(seen[0]?.options, { token: "own" });
    await connections.close();
  });
});
