import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Target } from "../../core/contract/driver.ts";
import type { ProblemCode } from "../../core/contract/problem.ts";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { readSettings } from "../../plugins/postgres/target/settings.ts";
import { cellOf, never, rejection } from "../contract/driver/bench.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../support/services-postgres.ts";

const bin = findPostgres();
const driver = createPostgresDriver();
const url = (location: string, more: Partial<Target> = {}): Target => ({ scheme: "postgres", location, options: {}, ...more });

describe("driver postgres, settings", () => {
  it("reads a URL as libpq does: hosts, ports, escapes and brackets", () => {
    const settings = readSettings(url("db1,db2:6000,[::1]:7000/my%2Fdb", { user: "ann" }), {});
    assert.deepEqual(
      settings.places.map(({ host, port }) => [host, port]),
      [
        ["db1", 5432],
        ["db2", 6000],
        ["::1", 7000],
      ],
    );
    assert.equal(settings.database, "my/db");
    assert.equal(readSettings(url("%2Ftmp%2Fsock:5433/x"), {}).places[0]?.host, "/tmp/sock");
    assert.equal(readSettings(url("/x", { options: { host: "/tmp", port: "9" } }), {}).places[0]?.port, 9);
  });

  it("takes what the URL leaves out from the environment, and what it says from the URL", () => {
    const environment = { PGHOST: "far", PGPORT: "6543", PGUSER: "eve", PGDATABASE: "books", PGSSLMODE: "require", PGAPPNAME: "app" };
    const settings = readSettings(url(""), environment);
    assert.deepEqual([settings.places[0]?.host, settings.places[0]?.port, settings.user, settings.database], ["far", 6543, "eve", "books"]);
    assert.deepEqual([settings.sslMode, settings.parameters.application_name], ["require", "app"]);
    assert.equal(readSettings(url("near/other", { options: { sslmode: "disable" } }), environment).sslMode, "disable");
    assert.equal(readSettings(url("near/other"), environment).places[0]?.host, "near");
  });

  it("takes the options of libpq that it can honour, and says which it cannot", () => {
    const read = (options: Target["options"]) => readSettings(url("db/x", { options }), {});
    const harmless = { gssencmode: "prefer", keepalives: "1", tcp_user_timeout: "0", load_balance_hosts: "disable" };
    const given = { ...harmless, fallback_application_name: "app", ssl_min_protocol_version: "TLSv1.3" };
    assert.equal(read(given).parameters.application_name, "app");
    for (const [name, value] of Object.entries({ gssencmode: "require", tcp_user_timeout: "5000", load_balance_hosts: "random" }))
      assert.throws(() => read({ [name]: value }), /which this driver cannot do/);
  });

  it("finds passwords in a password file, escapes and wildcards included, unless others may read it", () => {
    const folder = mkdtempSync(join(tmpdir(), "tidegate-pass-"));
    const file = join(folder, "pgpass");
    writeFileSync(file, "# note\nother:5432:*:*:no\nhost:5432:a\\:b:ann:pa\\:ss\\\\word\n*:*:*:ann:any\n", { mode: 0o600 });
    const password = (location: string) =>
      readSettings(url(location, { user: "ann", options: { passfile: file } }), {}).places[0]?.password;
    assert.equal(password("host/a%3Ab"), "pa:ss\\word");
    assert.equal(password("else/x"), "any");
    chmodSync(file, 0o644);
    assert.equal(password("else/x"), undefined);
    rmSync(folder, { recursive: true });
  });

  it("reads a service file", () => {
    const folder = mkdtempSync(join(tmpdir(), "tidegate-service-"));
    const file = join(folder, "services");
    writeFileSync(file, "[one]\nhost=a\n\n[two]\n# note\nhost = b\nport=99\ndbname=d\n");
    const settings = readSettings(url("", { options: { service: "two" } }), { PGSERVICEFILE: file, PGHOST: "c" });
    assert.deepEqual([settings.places[0]?.host, settings.places[0]?.port, settings.database], ["b", 99, "d"]);
    assert.throws(() => readSettings(url("", { options: { service: "three" } }), { PGSERVICEFILE: file }), /"three"/);
    rmSync(folder, { recursive: true });
  });
});

describe("driver postgres, connecting", { skip: typeof bin === "string" ? false : `needs a server: ${bin.absent}` }, () => {
  let server: PostgresServer;
  const file = (name: string) => join(server.folder, name);

  before(async () => {
    server = await startPostgres(bin as string);
    makeCertificates(server.folder);
    for (const [name, value] of Object.entries({
      ssl: "on",
      ssl_cert_file: file("server.crt"),
      ssl_key_file: file("server.key"),
      ssl_ca_file: file("ca.crt"),
    })) {
      server.psql(`alter system set ${name} = '${value}'`);
    }
    writeFileSync(
      join(server.folder, "data", "pg_hba.conf"),
      "local all all scram-sha-256\nhostssl all certified all cert\nhostnossl all onlytls all reject\nhostssl all onlyplain all reject\nhost all md5er all md5\nhost all open all password\nhost all all all scram-sha-256\n",
    );
    server.psql(
      "create role certified login; create role onlytls login password 'x'; create role onlyplain login password 'x'; create role open login password 'open'; set password_encryption = md5; create role md5er login password 'md5'",
    );
    server.psql("select pg_reload_conf()");
  });
  after(() => server?.stop());

  const tls = async (options: Target["options"], more: Partial<Target> = {}) => {
    await using connection = await driver.connect(server.target("postgres", { options, ...more }), { signal: never, readOnly: true });
    return await cellOf(connection, "select ssl from pg_stat_ssl where pid = pg_backend_pid()");
  };
  const refused = async (options: Target["options"], code: ProblemCode, more: Partial<Target> = {}) => {
    const diagnosis = driver.diagnose(await rejection(tls(options, more)));
    assert.equal(diagnosis?.code, code, diagnosis?.message);
  };
  const as = (user: string, password = "x") => ({ user, password: { reveal: () => password } });
  const named = (host: string) => ({ location: `${host}:${server.port}/postgres` });

  it("protects the connection as sslmode says", async () => {
    assert.equal(await tls({ sslmode: "disable" }), false);
    assert.equal(await tls({ sslmode: "allow" }), false);
    assert.equal(await tls({}), true);
    assert.equal(await tls({ sslmode: "require" }), true);
    assert.equal(await tls({ sslmode: "verify-ca", sslrootcert: file("ca.crt") }), true);
    assert.equal(await tls({ sslmode: "verify-full", sslrootcert: file("ca.crt") }, named("localhost")), true);
  });

  it("refuses a server whose certificate is not the right one", async () => {
    await refused({ sslmode: "verify-full", sslrootcert: file("ca.crt") }, "CONNECTION_FAILED", named("127.0.0.1"));
    await refused({ sslmode: "verify-ca", sslrootcert: file("other.crt") }, "CONNECTION_FAILED");
    await refused({ sslmode: "require", sslrootcert: file("other.crt") }, "CONNECTION_FAILED");
    await refused({ sslmode: "verify-ca", sslrootcert: file("none.crt") }, "INPUT_INVALID");
    await refused({ sslmode: "verify-full" }, "INPUT_INVALID");
  });

  it("tries the other way where allow and prefer may", async () => {
    assert.equal(await tls({ sslmode: "allow" }, as("onlytls")), true);
    assert.equal(await tls({ sslmode: "prefer" }, as("onlyplain")), false);
    await refused({ sslmode: "disable" }, "CREDENTIALS_REJECTED", as("onlytls"));
    await refused({ sslmode: "require" }, "CREDENTIALS_REJECTED", as("onlyplain"));
  });

  it("shows a client certificate, and knows the older ways to ask for a password", async () => {
    assert.equal(await tls({ sslmode: "require", sslcert: file("client.crt"), sslkey: file("client.key") }, { user: "certified" }), true);
    await refused({ sslmode: "require" }, "CREDENTIALS_REJECTED", as("certified"));
    assert.equal(await tls({}, as("md5er", "md5")), true);
    assert.equal(await tls({}, as("open", "open")), true);
    await refused({}, "CREDENTIALS_REJECTED", as("md5er", "no"));
  });

  it("reaches a unix socket, and the second host when the first is away", async () => {
    assert.equal(await tls({ host: server.folder }), false);
    assert.equal(await tls({ sslmode: "disable" }, { location: `127.0.0.1:1,127.0.0.1:${server.port}/postgres` }), false);
    await refused({ target_session_attrs: "standby" }, "CONNECTION_FAILED");
    assert.equal(await tls({ target_session_attrs: "prefer-standby" }), true);
    assert.equal(await tls({ target_session_attrs: "read-write" }), true);
    await refused({ target_session_attrs: "read-only" }, "CONNECTION_FAILED");
    server.psql("alter database postgres set default_transaction_read_only = on");
    assert.equal(await tls({ target_session_attrs: "read-only" }), true);
    assert.equal(await tls({ target_session_attrs: "primary" }), true);
    await refused({ target_session_attrs: "read-write" }, "CONNECTION_FAILED");
    server.psql("set default_transaction_read_only = off; alter database postgres reset default_transaction_read_only");
  });

  it("names itself, takes a search path, and pins what texts look like", async () => {
    const options = { application_name: "my app", search_path: "a,b", options: "-c TimeZone=Asia/Tokyo -c IntervalStyle=iso_8601" };
    server.psql("alter role tidegate set datestyle = 'SQL, DMY'");
    await using connection = await driver.connect(server.target("postgres", { options }), { signal: never, readOnly: true });
    const setting = (name: string) => cellOf(connection, `show ${name}`);
    assert.equal(await setting("application_name"), "my app");
    assert.equal(await setting("search_path"), "a,b");
    assert.equal(await setting("datestyle"), "ISO, YMD");
    assert.equal(await setting("timezone"), "UTC");
    assert.equal(await setting("statement_timeout"), "1h");
    assert.equal(await cellOf(connection, "select timestamptz '2024-01-01 00:00+09'"), "2023-12-31 15:00:00+00");
  });

  it("tells another kind of server from PostgreSQL", async () => {
    const { createServer } = await import("node:http");
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { readonly port: number };
    const diagnosis = driver.diagnose(
      await rejection(driver.connect(url(`127.0.0.1:${port}/x`, { user: "x" }), { signal: never, readOnly: true })),
    );
    assert.match(diagnosis?.message ?? "", /not PostgreSQL|closed the connection/);
    other.close();
  });

  it("gives up a server that accepts and says nothing", async () => {
    const { createServer } = await import("node:net");
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as { readonly port: number };
    for (const sslmode of ["disable", "require"]) {
      const target = url(`127.0.0.1:${port}/x`, { user: "x", options: { sslmode, connect_timeout: "1" } });
      assert.equal(driver.diagnose(await rejection(driver.connect(target, { signal: never, readOnly: true })))?.code, "CONNECTION_FAILED");
      const reason = new Error("gone");
      const caller = new AbortController();
      const connecting = driver.connect({ ...target, options: { sslmode } }, { signal: caller.signal, readOnly: true });
      setImmediate(() => caller.abort(reason));
      assert.equal(await rejection(connecting), reason);
    }
    silent.close();
  });
});

/** Two authorities, and certificates of the first for the server `localhost` and the client `certified`. */
function makeCertificates(folder: string): void {
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  for (const name of ["ca", "other"])
    openssl(
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-days",
      "2",
      "-subj",
      `/CN=${name}`,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.crt`,
    );
  for (const [name, subject] of [
    ["server", "localhost"],
    ["client", "certified"],
  ] as const) {
    openssl(
      "req",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-subj",
      `/CN=${subject}`,
      "-addext",
      `subjectAltName=DNS:${subject}`,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.csr`,
    );
    openssl(
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      "-CA",
      "ca.crt",
      "-CAkey",
      "ca.key",
      "-days",
      "2",
      "-copy_extensions",
      "copy",
      "-out",
      `${name}.crt`,
    );
  }
  const { uid, gid } = statSync(join(folder, "data"));
  for (const name of ["server.key", "server.crt", "ca.crt"]) chownSync(join(folder, name), uid, gid);
  chmodSync(join(folder, "server.key"), 0o600);
}
