import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { readAbout } from "../../core/plugin/author/about.ts";
import { pack } from "../../core/plugin/author/pack.ts";
import { filesOf } from "../../scripts/pack-plugin.ts";
import { binary, privateEnvironment, tempFolder, tidegate } from "../support/binary.ts";
import { createTestRegistry } from "../support/plugin-registry.ts";
import { type Keyring, keyringAbsence, startKeyring } from "../support/services-keyring.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../support/services-postgres.ts";

const root = resolve(import.meta.dirname, "../..");
const bin = findPostgres();
const noServer = typeof bin === "string" ? undefined : bin.absent;
const noKeyring = keyringAbsence();

/** Everything below a folder as one text. */
function everythingIn(folder: string): string {
  if (!existsSync(folder)) return "";
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name));
  return files
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, "latin1"))
    .join("\n");
}

describe("a password that is kept elsewhere", { skip: noServer ?? false }, () => {
  const folder = tempFolder();
  const config = join(folder, ".config/tidegate/config.yaml");
  let server: PostgresServer;
  let keyring: Keyring | undefined;
  let env: Record<string, string> = {};
  const run = (...args: string[]) => tidegate(args, { cwd: folder, env });
  const providers = () => ["env", "file", "cmd", ...(keyring === undefined ? [] : ["keyring"])];

  before(async () => {
    const registry = createTestRegistry();
    const plugin = join(root, "plugins/postgres");
    const about = readAbout(plugin);
    const { entry, archive } = pack(about, { platform: "any", files: await filesOf(plugin, about, "any") });
    writeFileSync(join(registry.folder, entry.file), archive);
    registry.publish([entry]);
    server = await startPostgres(bin as string);
    server.psql("create table orders (id int primary key)", "postgres");
    if (noKeyring === undefined) keyring = await startKeyring(folder);
    env = { ...registry.env(), SALES_PASSWORD: server.password, ...keyring?.env };
    const references = {
      env: "env:SALES_PASSWORD",
      file: "file:password",
      // The password stands in the command itself, where nothing may repeat it either.
      cmd: `cmd:printf '%s\\n' '${server.password}'`,
      keyring: "keyring:sales",
      absent: "keyring:never-stored",
      wrong: "file:wrong",
    };
    mkdirSync(join(folder, ".config/tidegate"), { recursive: true });
    writeFileSync(join(folder, ".config/tidegate/password"), `${server.password}\n`, { mode: 0o600 });
    writeFileSync(join(folder, ".config/tidegate/wrong"), `${server.password}-not\n`, { mode: 0o600 });
    const target = `postgres://tidegate@127.0.0.1:${server.port}/postgres?sslmode=disable`;
    const entries = Object.entries(references).map(([name, password]) => [name, { target, password }]);
    writeFileSync(config, JSON.stringify({ plugins: { auto: true }, connections: Object.fromEntries(entries) }), { mode: 0o600 });
    if (keyring !== undefined) {
      const stored = await tidegate(["config", "set-secret", "sales"], { cwd: folder, env, stdin: `${server.password}\n` });
      assert.equal(stored.stdout, "keyring:sales\n", stored.stderr);
    }
  });
  after(async () => {
    keyring?.stop();
    await server?.stop();
  });

  it("opens the connection, whichever way it is kept", async () => {
    for (const name of providers()) {
      const { code, stdout, stderr } = await run("query", name, "select 42 as answer");
      assert.deepEqual([code, stdout], [0, "answer\n42\n"], `${name}: ${stderr}`);
    }
  });

  it("is kept in the keyring", { skip: noKeyring ?? false }, async () => {
    assert.equal((await run("query", "keyring", "select 1")).code, 0);
    const { code, stderr } = await run("query", "absent", "select 1");
    assert.equal(code, 6);
    assert.match(stderr, /holds no secret named "never-stored"\nTry: Store it: tidegate config set-secret never-stored\n/);
  });

  it("is read again by a server that runs, once it has changed", async () => {
    const wrong = join(folder, ".config/tidegate/wrong");
    const child = serve();
    assert.match(await child.call("query", { connection: "wrong", sql: "select 1" }), /rejected|password|CREDENTIALS/i);
    writeFileSync(wrong, server.password);
    while (!/answer\\n42/.test(await child.call("query", { connection: "wrong", sql: "select 42 as answer" })));
    writeFileSync(wrong, `${server.password}-not\n`);
    await child.end();
  });

  it("does not keep a server from starting when it is missing, which is told with the next step", async () => {
    const child = serve(["--connection", "absent=absent", "--connection", "env=env"], {
      DBUS_SESSION_BUS_ADDRESS: "unix:path=/nonexistent",
    });
    assert.match(await child.call("query", { connection: "env", sql: "select 42 as answer" }), /answer\\n42/);
    const refused = await child.call("query", { connection: "absent", sql: "select 1" });
    assert.match(refused, /SECRET_UNAVAILABLE/);
    assert.match(refused, /session bus cannot be reached/);
    assert.match(refused, /set-secret never-stored --file/);
    assert.match(await child.call("inspect", {}), /absent.*session bus cannot be reached/s);
    await child.end();
  });

  it("appears in no output, no log and no trace", async () => {
    const outputs: string[] = [];
    const names = [...providers(), "absent", "wrong"];
    for (const name of names) {
      for (const args of [
        ["query", name, "select * from orders", "--log-level", "debug"],
        ["query", name, "select * from nowhere", "--format", "json", "--log-level", "debug"],
        ["inspect", name, "--format", "compact", "--log-level", "debug"],
        ["export", name, "--table", "orders", "--to", `${name}.csv`, "--log-level", "debug"],
      ]) {
        const { stdout, stderr } = await run(...args);
        outputs.push(stdout, stderr);
      }
    }
    for (const args of [
      ["doctor", "--log-level", "debug"],
      ["doctor", "--format", "json"],
      ["config", "show", "--origins"],
      ["config", "show", "--format", "json"],
      ["config", "check"],
      ["config", "set-secret", "sales", server.password],
      ["connect", "cursor", "--print"],
      ["connect", "codex", "--print"],
    ]) {
      const { stdout, stderr } = await run(...args);
      outputs.push(stdout, stderr);
    }
    const child = serve(["--log-level", "debug"]);
    for (const connection of names) outputs.push(await child.call("query", { connection, sql: "select * from orders" }));
    outputs.push(await child.call("inspect", {}), await child.end());
    assert.ok(outputs.join("").includes("orders"));
    const traces = everythingIn(join(folder, "state"));
    assert.ok(traces.includes("tidegate"), "there are traces to look into");
    for (const text of [...outputs, traces]) assert.ok(!text.includes(server.password), text.slice(0, 2000));
  });

  /** A server as a client starts it; `call` gives the whole answer as text, `end` everything it wrote. */
  function serve(args: readonly string[] = [], more: Readonly<Record<string, string>> = {}) {
    const child = spawn(binary, ["serve", ...args], { cwd: folder, env: { ...privateEnvironment(folder), ...env, ...more } });
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
    });
    child.stderr.on("data", (chunk) => {
      text += chunk;
    });
    const ended = new Promise((done) => child.on("close", done));
    let id = 0;
    const send = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
    const answer = async (method: string, params: object): Promise<string> => {
      send({ id: ++id, method, params });
      const own = new RegExp(`^.*"id":${id}[,}].*$`, "m");
      while (!own.test(text)) await new Promise((again) => setTimeout(again, 10));
      return own.exec(text)?.[0] ?? "";
    };
    const started = answer("initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "t", version: "1" } });
    return {
      async call(name: string, parameters: object): Promise<string> {
        await started;
        return answer("tools/call", { name, arguments: parameters });
      },
      async end(): Promise<string> {
        child.stdin.end();
        await ended;
        return text;
      },
    };
  }
});

describe("tidegate config set-secret", () => {
  it("keeps a secret in a file for its owner only, replaces it, and forgets it", async () => {
    const cwd = tempFolder();
    const path = join(cwd, ".config/tidegate/secrets/sales");
    for (const stdin of ["first\n", "second\n"]) {
      const { stdout, stderr, code } = await tidegate(["config", "set-secret", "sales", "--file"], { cwd, stdin });
      assert.deepEqual([code, stdout], [0, `file:${path}\n`]);
      assert.ok(!stderr.includes(stdin.trim()));
      assert.equal(readFileSync(path, "utf8"), stdin.trim());
    }
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal((await tidegate(["config", "unset-secret", "sales", "--file"], { cwd })).code, 0);
    assert.ok(!existsSync(path));
    assert.equal((await tidegate(["config", "unset-secret", "sales", "--file"], { cwd })).code, 3);
  });

  it("takes no secret as an argument, and repeats none that was given so", async () => {
    for (const args of [["sales", "CANARY"], ["sales", "--CANARY"], ["sales", "-pCANARY"], ["CANARY/x"]]) {
      const { code, stdout, stderr } = await tidegate(["config", "set-secret", ...args], { stdin: "x" });
      assert.equal(code, 2);
      assert.ok(!`${stdout}${stderr}`.includes("CANARY"), stderr);
    }
  });

  it("says what else to do when there is no keyring, or no secret", async () => {
    const env = { DBUS_SESSION_BUS_ADDRESS: "unix:path=/nonexistent" };
    if (process.platform === "linux") {
      const { code, stderr } = await tidegate(["config", "set-secret", "sales"], { stdin: "hunter2", env });
      assert.equal(code, 6);
      assert.match(stderr, /Try: .*tidegate config set-secret sales --file/);
    }
    assert.equal((await tidegate(["config", "set-secret", "sales", "--file"], { stdin: "\n" })).code, 2);
  });

  const noScript = existsSync("/usr/bin/script") ? undefined : "script(1), which lends a terminal, is not installed";
  it("asks at a terminal without showing what is typed", { skip: noScript ?? false }, async () => {
    const cwd = tempFolder();
    const child = spawn("script", ["-qec", `'${binary}' config set-secret sales --file`, "/dev/null"], {
      cwd,
      env: { ...privateEnvironment(cwd), TERM: "xterm" },
    });
    let shown = "";
    child.stdout.on("data", (chunk) => {
      shown += chunk;
      if (/not shown/.test(shown) && child.stdin.writable) child.stdin.end("huntx\u007fer2\r");
    });
    await new Promise((done) => child.on("close", done));
    assert.equal(readFileSync(join(cwd, ".config/tidegate/secrets/sales"), "utf8"), "hunter2");
    assert.ok(!/hunt|er2/.test(shown), shown);
  });
});
