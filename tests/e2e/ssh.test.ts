import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { appendFileSync, chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { SshConfig } from "../../core/config/config.ts";
import { type Connections, createConnections } from "../../core/connection/connections.ts";
import { connectionFor } from "../../core/connection/named.ts";
import { asProblem, type Problem } from "../../core/problem.ts";
import { createSecrets } from "../../core/secrets/resolve.ts";
import { createMysqlDriver } from "../../plugins/mysql/driver.ts";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { createSqliteDriver } from "../../plugins/sqlite/driver.ts";
import { createCallers } from "../support/callers.ts";
import { createConfigFolder } from "../support/config-folder.ts";
import { mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../support/services-postgres.ts";
import { descendants, makeKey, type Sshd, sshdAbsence, startSshd } from "../support/sshd.ts";

const never = new AbortController().signal;
const endless = "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b where (a + b) % 7 = 3";
const bin = findPostgres();
const absence = sshdAbsence() ?? (typeof bin === "string" ? undefined : bin.absent);

describe("a connection over SSH", { skip: absence ?? false }, () => {
  let sshd: Sshd;
  let postgres: PostgresServer;
  const certificate = makeCertificate("postgres");
  before(async () => {
    const tls = { ssl: "on", ssl_cert_file: certificate.file, ssl_key_file: certificate.key };
    [sshd, postgres] = await Promise.all([startSshd(), startPostgres(bin as string, tls)]);
  });
  after(() => {
    rmSync(certificate.folder, { recursive: true });
    return Promise.all([sshd?.stop(), postgres?.stop()]);
  });

  const way = (more: Partial<SshConfig> = {}): SshConfig => ({
    host: "127.0.0.1",
    port: sshd.port,
    user: sshd.user,
    identity: sshd.key,
    knownHosts: sshd.knownHosts,
    agent: "none",
    ...more,
  });
  /** A database that only the far end knows by this name and port. */
  const connect = (ssh: SshConfig, target = url(postgres)) =>
    createConnections({
      connections: [{ name: "sales", target, folder: "/", write: true, ssh }],
      secrets: createSecrets({ env: {}, warn: () => undefined }),
      drivers: [createPostgresDriver(), createMysqlDriver()],
      limits: { most: 4, waitMillis: 20_000, idleMillis: 60_000, lifetimeMillis: 600_000, checkAfterMillis: 5000 },
      unproved: () => undefined,
    });
  const failure = async (ssh: SshConfig, target?: string): Promise<Problem> => {
    await using connections = closing(connect(ssh, target));
    return await cell(connections, "select 1").then(() => assert.fail("it connected"), asProblem);
  };

  it("reaches the database through one tunnel that all connections share", async () => {
    const connections = connect(way());
    const address = await cell(
      connections,
      "select count(*) from pg_stat_activity where datname = 'postgres' and client_addr = '127.0.0.1'",
    );
    assert.equal(String(address), "1");
    const loans = await Promise.all([1, 2, 3, 4].map(() => connections.borrow("sales", "read", never)));
    for (const loan of loans) await loan.release();
    assert.equal(tunnelsOf(process.pid), 1);
    await connections.close();
    assert.deepEqual(descendants(process.pid).filter(ofTunnel), [], "nothing of it is left");
    assert.deepEqual(leftFolders(), []);
  });

  it("is configured where the connection is", async () => {
    const folder = createConfigFolder();
    const { host, port, user, identity, knownHosts } = way();
    const ssh = { host, port, user, identity, knownHosts, agent: "none" };
    const config = await folder.loadText(JSON.stringify({ connections: { sales: { target: url(postgres), ssh } } }));
    folder.remove();
    const { ssh: read, target } = connectionFor("sales", config, folder.project);
    await using connections = closing(connect(read ?? assert.fail("it was lost"), target));
    assert.equal(await cell(connections, "select 1"), 1);
  });

  it("is refused for an engine that is a file", async () => {
    const connections = createConnections({
      connections: [{ name: "shop", target: "sqlite::memory:", folder: "/", write: false, ssh: way() }],
      secrets: createSecrets({ env: {}, warn: () => undefined }),
      drivers: [createSqliteDriver({ log: () => undefined })],
      limits: { most: 1, waitMillis: 1000, idleMillis: 1000, lifetimeMillis: 60_000, checkAfterMillis: 1000 },
      unproved: () => undefined,
    });
    await assert.rejects(connections.borrow("shop", "read", never), {
      code: "UNSUPPORTED",
      message: "SQLite cannot be reached over SSH",
      hint: "Remove connections.shop.ssh",
    });
  });

  it("goes over other hosts first", async () => {
    const second = await startSshd();
    try {
      const ways = join(sshd.folder, "all_hosts");
      writeFileSync(ways, `${readFileSync(sshd.knownHosts)}${readFileSync(second.knownHosts)}`);
      appendFileSync(join(second.folder, "authorized_keys"), readFileSync(`${sshd.key}.pub`));
      const ssh = way({ port: second.port, jump: `${sshd.user}@localhost:${sshd.port}`, knownHosts: ways });
      await using connections = closing(connect(ssh));
      assert.equal(await cell(connections, "select 1"), 1);
      assert.match((await failure({ ...ssh, port: 1 })).message, /a host on the way cannot reach the next one: Connection refused$/);
    } finally {
      await second.stop();
    }
  });

  it("reaches a socket of the far machine", async () => {
    const target = `postgres:///postgres?host=${postgres.folder}&port=${postgres.port}&user=tidegate&password=${postgres.password}`;
    await using connections = closing(connect(way(), target));
    assert.equal(await cell(connections, "select inet_client_addr() is null"), true);
  });

  it("checks the certificate of the server, not of the tunnel", async () => {
    const target = (host: string) =>
      `postgres://tidegate:${postgres.password}@${host}:${postgres.port}/postgres?sslmode=verify-full&sslrootcert=${certificate.file}`;
    await using connections = closing(connect(way(), target("localhost")));
    assert.equal(await cell(connections, "select ssl from pg_stat_ssl where pid = pg_backend_pid()"), true);
    assert.match((await failure(way(), target("127.0.0.1"))).message, /certificate/);
  });

  it("stops a statement through the tunnel", async () => {
    await using connections = closing(connect(way()));
    const loan = await connections.borrow("sales", "read", never);
    const stopping = new AbortController();
    const running = loan.connection.query(endless, [], { signal: stopping.signal, batchSize: 1 });
    await sleep(100);
    stopping.abort();
    await assert.rejects(async () => {
      for await (const _ of await running);
    });
    await loan.release(true);
    assert.equal(
      postgres.psql("select count(*) from pg_stat_activity where query like '%7 = 3' and pid <> pg_backend_pid() and state = 'active'"),
      "0",
    );
  });

  it("heals when the tunnel dies, when its server restarts, and when the database does", async () => {
    await using connections = closing(connect(way()));
    assert.equal(await cell(connections, "select 1"), 1);
    for (const pid of sshOf(process.pid)) process.kill(pid, "SIGKILL");
    await until(() => tunnelsOf(process.pid) === 0);
    assert.equal(await cell(connections, "select 2"), 2);
    await sshd.kill();
    await until(() => tunnelsOf(process.pid) === 0);
    assert.equal((await asking(connections)).code, "CONNECTION_FAILED");
    await sshd.start();
    assert.equal(await cell(connections, "select 3"), 3);
    await postgres.crash();
    // What was sent before the end was noticed fails by it.
    const first = await asking(connections);
    const refused = /ended the connection$/.test(first.message) ? await asking(connections) : first;
    assert.match(refused.message, /: Cannot reach "127\.0\.0\.1:\d+" from SSH host "127\.0\.0\.1": Connection refused$/);
    await postgres.start();
    assert.equal(await cell(connections, "select 4"), 4);
  });

  it("is not left behind by a process that is killed", async () => {
    const program = join(import.meta.dirname, "../../core/connection/ssh/tunnels.ts");
    const script = `import { createTunnels } from ${JSON.stringify(program)};
      await createTunnels(${JSON.stringify(way())}).reach({ host: "127.0.0.1", port: 1 }, new AbortController().signal);
      console.log("up"); setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((up) => child.stdout.once("data", up));
    const left = child.pid === undefined ? [] : descendants(child.pid);
    assert.ok(left.length >= 2);
    child.kill("SIGKILL");
    await until(() => left.every((pid) => !alive(pid)));
    assert.deepEqual(leftFolders(), []);
  });

  it("says what to do when a host's key is not known, or has changed", async () => {
    const nobody = join(sshd.folder, "no_hosts");
    writeFileSync(nobody, "");
    const unknown = await failure(way({ knownHosts: nobody }));
    assert.deepEqual(
      [unknown.code, unknown.message, unknown.hint, unknown.retryable],
      [
        "CONNECTION_FAILED",
        `Cannot open the SSH tunnel over "127.0.0.1": the key of "127.0.0.1" is not known yet`,
        `Connect once by hand and compare the key: ssh -p ${sshd.port} ${sshd.user}@127.0.0.1`,
        false,
      ],
    );
    const other = join(sshd.folder, "other_hosts");
    writeFileSync(other, `[127.0.0.1]:${sshd.port} ${readFileSync(`${makeKey(sshd.folder, "other_host")}.pub`, "utf8")}`);
    const changed = await failure(way({ knownHosts: other }));
    assert.match(changed.message, /the key of "\[127\.0\.0\.1\]:\d+" is not the one that is known, so it may be another machine$/);
    assert.equal(changed.hint, `Ask whoever runs it; only if the change was meant: ssh-keygen -R "[127.0.0.1]:${sshd.port}" -f "${other}"`);
  });

  it("says what to do when the key is the wrong one, is missing, or needs a passphrase, and asks for nothing", async () => {
    const stranger = makeKey(sshd.folder, "stranger");
    const denied = await failure(way({ identity: stranger }));
    assert.deepEqual(
      [denied.code, denied.message],
      ["CREDENTIALS_REJECTED", `Cannot open the SSH tunnel over "127.0.0.1": ${sshd.user}@127.0.0.1 accepted no key of yours`],
    );
    assert.match(denied.hint ?? "", /^Name the right key in ssh\.identity; one with a passphrase goes into the agent first: ssh-add /);
    const missing = await failure(way({ identity: "/nowhere/key" }));
    assert.deepEqual([missing.code, missing.message], ["CONFIG_INVALID", 'Cannot read the SSH key "/nowhere/key"']);
    const open = join(sshd.folder, "open");
    copyFileSync(sshd.key, open);
    chmodSync(open, 0o644);
    assert.match((await failure(way({ identity: open }))).message, /the key file ".*\/open" cannot be used \(bad permissions\)$/);
    const locked = await failure(way({ identity: makeKey(sshd.folder, "locked", "open sesame") }));
    assert.equal(locked.code, "CREDENTIALS_REJECTED");
  });

  it("takes the key from the agent", async () => {
    const agent = join(sshd.folder, "agent.sock");
    const identity = makeKey(sshd.folder, "in_agent", "open sesame");
    appendFileSync(join(sshd.folder, "authorized_keys"), readFileSync(`${identity}.pub`));
    const running = spawn("ssh-agent", ["-D", "-a", agent], { stdio: "ignore" });
    try {
      const askpass = join(sshd.folder, "askpass");
      writeFileSync(askpass, "#!/bin/sh\necho 'open sesame'\n", { mode: 0o700 });
      const env = { ...process.env, SSH_AUTH_SOCK: agent, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: "force" };
      await until(() => readdirSync(sshd.folder).includes("agent.sock"));
      execFileSync("ssh-add", ["-q", identity], { env, stdio: "pipe" });
      await using connections = closing(connect(way({ identity, agent })));
      assert.equal(await cell(connections, "select 1"), 1);
    } finally {
      running.kill();
    }
  });

  it("says which step of the way failed", async () => {
    const nobody = createServer((socket) => socket.destroy());
    await new Promise<void>((listening) => nobody.listen(0, "127.0.0.1", listening));
    const { port } = nobody.address() as { port: number };
    const cases: readonly [Partial<SshConfig>, string, RegExp][] = [
      [{ port: 1 }, "CONNECTION_FAILED", /"127\.0\.0\.1" port 1: connection refused$/],
      [{ host: "no-such-host.invalid" }, "CONNECTION_FAILED", /no host is named "no-such-host\.invalid"$/],
      [{ port }, "CONNECTION_FAILED", /a host on the way closed the connection, or did not answer in time$/],
    ];
    for (const [more, code, message] of cases) {
      const found = await failure(way(more));
      assert.equal(found.code, code, found.message);
      assert.match(found.message, message);
      assert.ok(found.hint);
    }
    nobody.close();
  });

  it("says when the far host forbids tunnels, or cannot reach the database", async () => {
    const strict = await startSshd(["AllowTcpForwarding no", "AllowStreamLocalForwarding no"]);
    try {
      const forbidden = await failure({ ...way(), port: strict.port, identity: strict.key, knownHosts: strict.knownHosts });
      assert.equal(forbidden.code, "CONNECTION_FAILED");
      assert.match(forbidden.message, /: SSH host "127\.0\.0\.1" does not allow a tunnel to "127\.0\.0\.1:\d+"$/);
    } finally {
      await strict.stop();
    }
    const unknown = await failure(way(), "postgres://tidegate@db.invalid/postgres");
    assert.match(unknown.message, /: Cannot reach "db\.invalid:5432" from SSH host "127\.0\.0\.1": /);
  });

  it("says so when ssh is not installed", async () => {
    const path = process.env.PATH;
    process.env.PATH = sshd.folder;
    try {
      const found = await failure(way());
      assert.deepEqual([found.code, found.message], ["UNSUPPORTED", 'Cannot open the SSH tunnel over "127.0.0.1": ssh is not installed']);
    } finally {
      process.env.PATH = path;
    }
  });

  it("lets a caller leave while the tunnel is opened", async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((listening) => silent.listen(0, "127.0.0.1", listening));
    const { port } = silent.address() as { port: number };
    await using connections = closing(connect(way({ port })));
    const leaving = new AbortController();
    const left = connections.borrow("sales", "read", leaving.signal);
    await sleep(50);
    leaving.abort();
    await assert.rejects(left, { name: "AbortError" });
    silent.close();
  });

  it("gives no option and no shell text to ssh", async () => {
    for (const host of ["-oProxyCommand=touch /tmp/owned", "db;touch /tmp/owned", "db$(id)"]) {
      const found = await failure(way(), `postgres://tidegate@${encodeURIComponent(host)}/postgres`);
      assert.equal(found.code, "INPUT_INVALID", found.message);
    }
  });
});

describe("MariaDB over SSH", { skip: sshdAbsence() ?? mariaDbAbsence() ?? false }, () => {
  it("is reached by a port, by its name with TLS, and by the socket of the far machine", async () => {
    const certificate = makeCertificate();
    const [sshd, server] = await Promise.all([
      startSshd(),
      startMariaDb([`--ssl-cert=${certificate.file}`, `--ssl-key=${certificate.key}`]),
    ]);
    try {
      server.run("create user ann@'%' identified by 'open-sesame'");
      const { port, user, key: identity, knownHosts } = sshd;
      const ssh: SshConfig = { host: "127.0.0.1", port, user, identity, knownHosts };
      const verified = `localhost:${server.port}/?ssl-mode=verify_identity&ssl-ca=${certificate.file}`;
      for (const place of [`127.0.0.1:${server.port}/`, verified, `/?socket=${server.socket}`]) {
        await using connections = closing(
          createConnections({
            connections: [{ name: "sales", target: `mysql://ann:open-sesame@${place}`, folder: "/", write: false, ssh }],
            secrets: createSecrets({ env: {}, warn: () => undefined }),
            drivers: [createMysqlDriver()],
            limits: { most: 2, waitMillis: 20_000, idleMillis: 60_000, lifetimeMillis: 600_000, checkAfterMillis: 5000 },
            unproved: () => undefined,
          }),
        );
        assert.equal(String(await cell(connections, "select 1")), "1", place);
      }
    } finally {
      await Promise.all([sshd.stop(), server.stop()]);
      rmSync(certificate.folder, { recursive: true });
    }
  });
});

/** A certificate made out to "localhost", which vouches for itself. */
function makeCertificate(reader?: string) {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-certificate-"));
  chmodSync(folder, 0o755);
  const [file, key] = [join(folder, "server.crt"), join(folder, "server.key")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", file, ...subject], {
    stdio: "ignore",
  });
  // PostgreSQL, which does not run as root, wants a key that others cannot read; MariaDB asks for nothing.
  if (process.getuid?.() === 0 && reader !== undefined) execFileSync("chown", [reader, key]);
  chmodSync(key, reader === undefined ? 0o644 : 0o600);
  return { folder, file, key };
}

function url({ port, password }: PostgresServer): string {
  return `postgres://tidegate:${password}@127.0.0.1:${port}/postgres?sslmode=disable`;
}

const cell = (connections: Connections, sql: string): Promise<unknown> => createCallers(connections)().cell(sql);

const asking = (connections: Connections): Promise<Problem> =>
  cell(connections, "select 1").then(() => assert.fail("it answered"), asProblem);

function closing(connections: Connections): Connections & AsyncDisposable {
  return Object.assign(connections, { [Symbol.asyncDispose]: () => connections.close() });
}

/** The `ssh` processes below one of ours; those that a jump starts are below them. */
function sshOf(pid: number): number[] {
  return descendants(pid).filter((child) => commandOf(child).startsWith("ssh\0"));
}

/** True for `ssh` and for the shell that watches over it: both name the tunnel's folder. */
function ofTunnel(pid: number): boolean {
  return commandOf(pid).includes("tidegate-ssh-");
}

/** Empty for a process that has ended, be it just now. */
function commandOf(pid: number): string {
  try {
    return alive(pid) ? readFileSync(`/proc/${pid}/cmdline`, "utf8") : "";
  } catch {
    return "";
  }
}

function tunnelsOf(pid: number): number {
  return sshOf(pid).length;
}

function leftFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith("tidegate-ssh-"));
}

function alive(pid: number): boolean {
  try {
    return !/^\d+ \([^)]*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await sleep(20);
}
