import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { connect as connectTls, createSecureContext, TLSSocket } from "node:tls";
import type { Target } from "../../core/contract/driver.ts";
import type { ProblemCode } from "../../core/contract/problem.ts";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { cellOf, never, rejection } from "../contract/driver/bench.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../support/services-postgres.ts";
import { type Certificates, createCertificates } from "../support/tls-postgres.ts";

const bin = findPostgres();
const driver = createPostgresDriver();
const inDeno = process.versions.deno !== undefined;

const accounts = `create role certified login; create role trusted login; create role twice login password 'x';
  create role unusual login password E'\\uFB01\\u00A0ne\\u00AD'; set password_encryption = md5; create role md5er login password 'md5'`;
const rules = [
  "local all all scram-sha-256",
  "hostssl all certified all cert",
  "hostssl all twice all scram-sha-256 clientcert=verify-ca",
  "host all trusted all trust",
  "host all md5er all md5",
  "host all all all scram-sha-256",
  "",
].join("\n");

describe("driver postgres, over TLS", { skip: typeof bin === "string" ? false : `needs a server: ${bin.absent}` }, () => {
  let server: PostgresServer;
  let certificates: Certificates;
  before(async () => {
    server = await startPostgres(bin as string);
    certificates = createCertificates(server);
    const { authority, issue, revoke, serve, file } = certificates;
    for (const name of ["ca", "other"]) authority(name);
    authority("edwards", "ed25519");
    for (const digest of ["sha256", "sha384", "sha512"]) issue(digest, { authority: "ca", subject: "localhost", digest });
    issue("unnamed", { authority: "edwards", subject: "localhost" });
    issue("between", { authority: "ca", subject: "localhost" });
    issue("revoked", { authority: "ca", subject: "localhost" });
    issue("expired", { authority: "ca", subject: "localhost", days: -1 });
    issue("client", { authority: "ca", subject: "certified" });
    issue("late", { authority: "ca", subject: "certified", days: -1 });
    issue("stranger", { authority: "other", subject: "certified" });
    revoke("ca", "revoked");
    revoke("other");
    writeFileSync(join(server.folder, "data", "pg_hba.conf"), rules);
    server.psql(accounts);
    serve("sha256");
    writeFileSync(file("text"), "no certificate", { mode: 0o600 });
  });
  after(() => server?.stop());

  const login = async (options: Target["options"], more: Partial<Target> = {}) => {
    const target = server.target("postgres", { location: `localhost:${server.port}/postgres`, options, ...more });
    await using connection = await driver.connect(target, { signal: never, readOnly: true });
    return await cellOf(connection, "select ssl from pg_stat_ssl where pid = pg_backend_pid()");
  };
  const refused = async (options: Target["options"], code: ProblemCode, words: RegExp, more: Partial<Target> = {}) => {
    const diagnosis = driver.diagnose(await rejection(login(options, more)));
    assert.equal(diagnosis?.code, code, diagnosis?.message);
    assert.match(diagnosis?.message ?? "", words);
    assert.match(diagnosis?.hint ?? "", /^[A-Z]/);
  };
  const full = (authority = "ca") => ({ sslmode: "verify-full", sslrootcert: certificates.file(`${authority}.crt`) });
  const as = (user: string, password?: string): Partial<Target> => ({
    user,
    ...(password === undefined ? { password: undefined as never } : { password: { reveal: () => password } }),
  });
  const shown = (name: string, more: Record<string, string> = {}) => ({
    sslmode: "require",
    sslcert: certificates.file(`${name}.crt`),
    sslkey: certificates.file(`${name}.key`),
    ...more,
  });

  it("binds the login to the TLS connection, whatever hash the certificate is signed with", async () => {
    for (const name of ["sha384", "sha512", "sha256"]) {
      certificates.serve(name);
      assert.equal(await login({ ...full(), channel_binding: "require" }), true, name);
    }
    for (const channel_binding of ["disable", "prefer"]) assert.equal(await login({ ...full(), channel_binding }), true);
    assert.equal(await login({ channel_binding: "require" }), true);
  });

  it("refuses a login that is bound to nothing when binding is required", async () => {
    const required = { ...full(), channel_binding: "require" };
    await refused(required, "CREDENTIALS_REJECTED", /does not bind/, as("trusted"));
    await refused(required, "CREDENTIALS_REJECTED", /does not bind/, as("md5er", "md5"));
    await refused({ ...shown("client"), channel_binding: "require" }, "CREDENTIALS_REJECTED", /does not bind/, as("certified"));
    await refused({ sslmode: "disable", channel_binding: "require" }, "INPUT_INVALID", /needs TLS/);
    await refused({ host: server.folder, channel_binding: "require" }, "INPUT_INVALID", /needs TLS/);
    await refused({ channel_binding: "always" }, "INPUT_INVALID", /"always"/);
  });

  it("does without binding where the certificate's signature names no hash, unless it is required", async () => {
    certificates.serve("unnamed");
    assert.equal(await login(full("edwards")), true);
    await refused({ ...full("edwards"), channel_binding: "require" }, "CREDENTIALS_REJECTED", /does not bind/);
    certificates.serve("sha256");
  });

  it("notices who stands between it and the server, whether the offer to bind is passed on or taken away", async () => {
    for (const strips of [false, true]) {
      const between = await listen(server.port, certificates, strips);
      const { port } = between.address() as AddressInfo;
      const there = { location: `localhost:${port}/postgres` };
      for (const options of [{ sslmode: "require" }, full()]) await refused(options, "CREDENTIALS_REJECTED", /answers in its name/, there);
      const required = { ...full(), channel_binding: "require" };
      await refused(required, "CREDENTIALS_REJECTED", strips ? /does not bind/ : /answers in its name/, there);
      assert.equal(await login({ ...full(), channel_binding: "disable" }, there), true);
      between.close();
    }
  });

  it("takes passwords as the server has prepared them", async () => {
    for (const password of ["\uFB01\u00a0ne\u00ad", "fi ne"]) assert.equal(await login({}, as("unusual", password)), true);
    await refused({}, "CREDENTIALS_REJECTED", /Password authentication failed/, as("unusual", "fi  ne"));
    await refused({}, "CREDENTIALS_REJECTED", /asks for a password, and none was given/, as("unusual"));
    await refused({}, "CREDENTIALS_REJECTED", /asks for a password, and none was given/, as("md5er", ""));
  });

  it("says what is wrong with the server's certificate", async () => {
    await refused(full(), "CONNECTION_FAILED", /not made out to "127.0.0.1"/, { location: `127.0.0.1:${server.port}/postgres` });
    await refused(full("other"), "CONNECTION_FAILED", /not signed by an authority that is trusted/);
    await refused({ sslmode: "verify-full", sslrootcert: "system" }, "CONNECTION_FAILED", /not signed by an authority that is trusted/);
    await refused({ ...full(), sslrootcert: certificates.file("text") }, "INPUT_INVALID", /holds no certificate/);
    certificates.serve("expired");
    await refused(full(), "CONNECTION_FAILED", /has expired/);
    assert.equal(await login({ sslmode: "require" }), true);
    certificates.serve("sha256");
  });

  it("asks the lists of revoked certificates, or says that this runtime cannot", async () => {
    const { file, serve } = certificates;
    mkdirSync(file("lists"));
    copyFileSync(file("ca.crl"), join(file("lists"), "one"));
    if (inDeno) return refused({ ...full(), sslcrl: file("ca.crl") }, "UNSUPPORTED", /Deno/);
    assert.equal(await login({ ...full(), sslcrl: file("ca.crl") }), true);
    await refused({ ...full(), sslcrl: file("other.crl") }, "CONNECTION_FAILED", /list of revoked/);
    await refused({ ...full(), sslcrl: file("text") }, "INPUT_INVALID", /holds no list/);
    await refused({ ...full(), sslcrldir: file("nowhere") }, "INPUT_INVALID", /"sslcrldir"/);
    serve("revoked");
    await refused({ ...full(), sslcrl: file("ca.crl") }, "CONNECTION_FAILED", /was revoked/);
    await refused({ ...full(), sslcrldir: file("lists") }, "CONNECTION_FAILED", /was revoked/);
    serve("sha256");
  });

  it("shows a client certificate, and says what is wrong with one", async () => {
    const { file } = certificates;
    const openssl = ["rsa", "-aes256", "-passout", "pass:open", "-in", file("client.key"), "-out", file("locked.key")];
    execFileSync("openssl", openssl, { stdio: "ignore" });
    chmodSync(file("locked.key"), 0o600);
    copyFileSync(file("client.key"), file("public.key"));
    chmodSync(file("public.key"), 0o644);
    const certified = as("certified");
    assert.equal(await login(shown("client"), certified), true);
    assert.equal(await login(shown("client", { sslkey: file("locked.key"), sslpassword: "open" }), certified), true);
    await refused({ sslmode: "require" }, "CREDENTIALS_REJECTED", /requires a valid client certificate/, certified);
    await refused({ sslmode: "require" }, "CREDENTIALS_REJECTED", /requires a valid client certificate/, as("twice", "x"));
    // The server's alert follows the handshake, and Deno may report the end of the connection instead.
    for (const name of inDeno ? [] : ["stranger", "late"])
      await refused(shown(name), "CREDENTIALS_REJECTED", /does not accept the client certificate/, certified);
    await refused(shown("client", { sslkey: file("late.key") }), "INPUT_INVALID", /does not belong/, certified);
    await refused(shown("client", { sslkey: file("public.key") }), "INPUT_INVALID", /may be read by others/, certified);
    await refused(shown("client", { sslkey: file("locked.key") }), "INPUT_INVALID", /is encrypted/, certified);
    await refused(shown("client", { sslkey: file("locked.key"), sslpassword: "shut" }), "INPUT_INVALID", /is encrypted/, certified);
    await refused(shown("client", { sslkey: file("text") }), "INPUT_INVALID", /holds no private key/, certified);
    await refused(shown("client", { sslcert: file("text") }), "INPUT_INVALID", /holds no certificate/, certified);
    await refused({ sslmode: "require", sslcert: file("client.crt") }, "INPUT_INVALID", /without its key/, certified);
  });
});

/** Ends TLS with a certificate of its own, and passes on what it hears; `strips` takes SCRAM-SHA-256-PLUS out of the server's offer. */
async function listen(upstream: number, { file }: Certificates, strips: boolean): Promise<Server> {
  const secureContext = createSecureContext({ cert: readFileSync(file("between.crt")), key: readFileSync(file("between.key")) });
  const between = createServer((client) => {
    client.once("data", () => {
      client.write("S");
      const inside = new TLSSocket(client, { isServer: true, secureContext });
      const outside = connect(upstream, "127.0.0.1", () => outside.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])));
      outside.once("data", () => joined(inside, connectTls({ socket: outside, rejectUnauthorized: false }), strips));
      for (const socket of [client, inside, outside]) socket.on("error", () => undefined);
    });
  });
  await new Promise<void>((resolve) => between.listen(0, "127.0.0.1", resolve));
  return between;
}

function joined(inside: Socket, outside: Socket, strips: boolean): void {
  outside.on("data", (bytes: Buffer) => inside.write(strips ? withoutPlus(bytes) : bytes));
  inside.on("data", (bytes: Buffer) => outside.write(bytes));
  outside.on("error", () => inside.destroy()).on("close", () => inside.end());
  inside.on("close", () => outside.destroy());
}

function withoutPlus(bytes: Buffer): Buffer {
  const offer = Buffer.from("SCRAM-SHA-256-PLUS\0");
  const at = bytes.indexOf(offer);
  if (at < 0 || bytes[0] !== 0x52) return bytes;
  const less = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + offer.length)]);
  less.writeUInt32BE(bytes.readUInt32BE(1) - offer.length, 1);
  return less;
}
