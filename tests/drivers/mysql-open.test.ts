import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Target } from "../../core/contract/driver.ts";
import activate from "../../plugins/mysql/plugin.ts";
import { cellOf, never, rejection } from "../contract/driver/bench.ts";
import { type MariaDb, mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { mysqlTarget, prepareServer } from "./mysql-suite.ts";

const [driver] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
assert.ok(driver);
const { connect, diagnose } = driver;
const absence = mariaDbAbsence();

describe("mysql opens", { skip: absence }, () => {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-mysql-open-"));
  const path = (name: string) => join(folder, name);
  let server: MariaDb;
  before(async () => {
    chmodSync(folder, 0o755);
    certificate("ca");
    certificate("stranger");
    certificate("server", "DNS:localhost");
    certificate("client");
    chmodSync(path("server.key"), 0o644);
    server = await startMariaDb([
      `--ssl-ca=${path("ca.pem")}`,
      `--ssl-cert=${path("server.pem")}`,
      `--ssl-key=${path("server.key")}`,
      "--bind-address=*",
    ]);
    prepareServer(server, "opening");
  });
  after(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true });
  });

  /** A key and a certificate: signed by itself for authorities, by "ca" for the rest. */
  function certificate(name: string, names?: string, days = "2"): void {
    const request = ["req", "-newkey", "rsa:2048", "-nodes", "-keyout", path(`${name}.key`), "-subj", `/CN=tidegate ${name}`, "-batch"];
    const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "ignore" });
    if (name === "ca" || name === "stranger") return void openssl(...request, "-x509", "-days", "2", "-out", path(`${name}.pem`));
    openssl(...request, "-out", path(`${name}.csr`));
    writeFileSync(path(`${name}.ext`), names === undefined ? "" : `subjectAltName=${names}`);
    const issuer = ["-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-CAcreateserial", "-days", days];
    openssl("x509", "-req", "-in", path(`${name}.csr`), ...issuer, "-out", path(`${name}.pem`), "-extfile", path(`${name}.ext`));
  }

  const target = (options: Record<string, string> = {}, rest: Partial<Target> = {}): Target => {
    const plain = mysqlTarget(server, "opening");
    return { ...plain, ...rest, options: { ...plain.options, ...options } };
  };
  const ask = async (opened: Target, sql: string) => {
    await using connection = await connect(opened, { signal: never, readOnly: true });
    return await cellOf(connection, sql);
  };
  const cipher = "select variable_value <> '' from information_schema.session_status where variable_name = 'Ssl_cipher'";
  const failing = async (opened: Target) => {
    const diagnosis = diagnose(await rejection(connect(opened, { signal: never, readOnly: true })));
    return diagnosis?.code;
  };
  const refusal = async (opened: Target) => {
    const { message = "", hint = "" } = diagnose(await rejection(connect(opened, { signal: never, readOnly: true }))) ?? {};
    return `${message}. ${hint}`;
  };
  /** Gives the server another certificate. */
  const wears = (names: string, days?: string) => {
    certificate("server", names, days);
    chmodSync(path("server.key"), 0o644);
    server.run("flush ssl");
  };

  it("with TLS where the server has it, and without where that is asked for", async () => {
    assert.equal(await ask(target(), cipher), 1);
    assert.equal(await ask(target({ "ssl-mode": "required" }), cipher), 1);
    assert.equal(await ask(target({ "ssl-mode": "DISABLED" }), cipher), 0);
  });

  it("only servers whose certificate it can trust, when told so", async () => {
    const byName = { location: `localhost:${server.port}/opening` };
    assert.equal(await ask(target({ "ssl-ca": path("ca.pem") }), cipher), 1);
    assert.equal(await ask(target({ "ssl-mode": "verify_identity", "ssl-ca": path("ca.pem") }, byName), cipher), 1);
    assert.equal(await failing(target({ "ssl-ca": path("stranger.pem") })), "CONNECTION_FAILED");
    assert.equal(await failing(target({ "ssl-mode": "verify_ca" })), "CONNECTION_FAILED");
    wears("DNS:db.example");
    assert.equal(await ask(target({ "ssl-mode": "verify_ca", "ssl-ca": path("ca.pem") }, byName), cipher), 1);
    assert.equal(await failing(target({ "ssl-mode": "verify_identity", "ssl-ca": path("ca.pem") }, byName)), "CONNECTION_FAILED");
  });

  it("no server with a bad certificate, and says what is bad about it", async () => {
    const byName = { location: `localhost:${server.port}/opening` };
    const identity = { "ssl-mode": "verify_identity", "ssl-ca": path("ca.pem") };
    wears("DNS:db.example");
    assert.match(await refusal(target(identity, byName)), /certificate is for another host.*verify_ca/);
    wears("DNS:localhost", "-1");
    assert.match(await refusal(target(identity, byName)), /certificate has expired.*Renew/);
    assert.equal(await ask(target({ "ssl-mode": "required" }), cipher), 1);
    wears("DNS:localhost");
    assert.match(await refusal(target({ "ssl-ca": path("stranger.pem") })), /authority that is not trusted.*ssl-ca/);
    assert.equal(await ask(target(identity, byName), cipher), 1);
  });

  it("with authorities of a folder, and the TLS versions it is told", async () => {
    mkdirSync(path("authorities"));
    copyFileSync(path("stranger.pem"), path("authorities/a.pem"));
    assert.match(await refusal(target({ "ssl-capath": path("authorities") })), /not trusted/);
    copyFileSync(path("ca.pem"), path("authorities/b.pem"));
    assert.equal(await ask(target({ "ssl-capath": path("authorities") }), cipher), 1);
    const version = "select variable_value from information_schema.session_status where variable_name = 'Ssl_version'";
    for (const wanted of ["TLSv1.2", "TLSv1.3"]) assert.equal(await ask(target({ "tls-version": wanted }), version), wanted);
    const wrong: readonly Record<string, string>[] = [
      { "tls-version": "TLSv1.0" },
      { "ssl-ca": path("ca.key") },
      { "ssl-cert": path("ca.key") },
      { "ssl-key": path("client.pem") },
      { "ssl-cert": path("ca.pem"), "ssl-key": path("client.key") },
    ];
    for (const options of wrong) assert.equal(await failing(target(options)), "INPUT_INVALID", JSON.stringify(options));
  });

  it("with a client certificate where the server asks for one", async () => {
    server.run("create user strict@'%' identified by 'p@ss:w/rd é' require x509; grant select on opening.* to strict@'%'");
    const key = { "ssl-cert": path("client.pem"), "ssl-key": path("client.key") };
    assert.equal(await ask(target(key, { user: "strict" }), "select 1"), 1);
    assert.equal(await failing(target({}, { user: "strict" })), "CREDENTIALS_REJECTED");
  });

  it("a rows stream over TLS without losing one", async () => {
    assert.equal(await ask(target(), "select sum(length(x)) from (select lpad(seq, 200, '0') as x from seq_1_to_10000) as t"), "2000000");
    await using connection = await connect(target(), { signal: never, readOnly: true });
    let seen = 0;
    for await (const { length } of await connection.query("select seq, lpad(seq, 200, 'x') from seq_1_to_200000", [], {
      signal: never,
      batchSize: 999,
    }))
      seen += length;
    assert.equal(seen, 200_000);
  });

  it("over a socket, and over IPv6", async () => {
    assert.equal(await ask(target({ socket: server.socket }, { location: "/opening" }), "select database()"), "opening");
    assert.equal(await ask(target({}, { location: `[::1]:${server.port}/opening` }), "select 1"), 1);
  });

  it("with what my.cnf says where the target says nothing", async () => {
    const file = path("my.cnf");
    writeFileSync(
      file,
      `[mysqld]\nport=1\n[client]\nuser = tide # who\nport=${server.port}\npassword = "p@ss:w/rd é"\nhost=127.0.0.1\n[mysql]\ndatabase=no\n`,
    );
    const opened = { scheme: "mysql", location: "/opening", options: { "defaults-file": file } };
    assert.equal(await ask(opened, "select current_user()"), "tide@%");
    assert.equal(await failing({ ...opened, user: "somebody" }), "CREDENTIALS_REJECTED");
    const elsewhere = { ...opened, location: `localhost:${server.port}/opening` };
    assert.equal(await failing(elsewhere), "CREDENTIALS_REJECTED", "a password goes to the host it stands beside");
    assert.equal(await failing({ ...opened, options: { "defaults-file": path("none.cnf") } }), "INPUT_INVALID");
  });

  it("with what the files say that my.cnf includes, the last word winning", async () => {
    mkdirSync(path("conf.d"));
    writeFileSync(path("main.cnf"), "[client]\nuser=nobody\nssl\n!include base.cnf\n!includedir conf.d\n");
    writeFileSync(path("base.cnf"), `[client]\nhost=127.0.0.1\nloose_port=${server.port}\nuser=tide\npassword='wrong'\n`);
    writeFileSync(path("conf.d/a.cnf"), `[client-mariadb]\npassword = 'p@ss:w/rd é' # it\n`);
    writeFileSync(path("conf.d/a.txt"), "[client]\npassword=no\n");
    const including = { scheme: "mysql", location: "/opening", options: { "defaults-file": path("main.cnf") } };
    assert.equal(await ask(including, "select current_user()"), "tide@%");
    assert.equal(await ask(including, cipher), 1);
    writeFileSync(path("conf.d/b.cnf"), `[client]\nskip-ssl\nssl=0\n`);
    assert.equal(await ask(including, cipher), 0);
    writeFileSync(
      path("conf.d/c.cnf"),
      `[client]\nssl-verify-server-cert\nssl-ca=${path("stranger.pem")}\nhost=localhost\nprotocol=tcp\nskip-ssl=0\nssl\n`,
    );
    assert.match(await refusal(including), /not trusted/);
    writeFileSync(path("conf.d/d.cnf"), `[client]\nsocket=${server.socket}\nprotocol=socket\n`);
    assert.equal(await ask(including, cipher), 0);
    writeFileSync(path("conf.d/e.cnf"), "!include ../main.cnf\n");
    assert.match(await refusal(including), /includes itself/);
  });

  it("no server that asks for a way to log in it does not know, and sends no file that a server asks for", async () => {
    const greeting = Buffer.concat([
      Buffer.from("\x0a5.5.5-10.11.0-MariaDB\0", "latin1"),
      Buffer.from("0100000061616161616161610000f72102000" + "f80150000000000000000000061616161616161616161616100", "hex"),
      Buffer.from("mysql_native_password\0"),
    ]);
    const switching = Buffer.from("\xfeauth_gssapi_client\0scramble\0", "latin1");
    const fileWanted = Buffer.from("\xfb/etc/passwd", "latin1");
    const ok = Buffer.from("00000002000000", "hex");
    for (const [answers, expected] of [
      [[switching], /log in/],
      [[ok, fileWanted], /closed/],
    ] as const) {
      const received: Buffer[] = [];
      const fake = createServer((socket) => {
        const send = (payload: Buffer, sequence: number) =>
          socket.write(Buffer.concat([Buffer.from([payload.length & 255, payload.length >> 8, 0, sequence]), payload]));
        let turn = 0;
        socket.on("data", (bytes) => {
          received.push(bytes);
          const answer = answers[turn];
          if (answer !== undefined) send(answer, turn === 0 ? 2 : 1);
          turn++;
        });
        socket.on("error", () => undefined);
        send(greeting, 0);
      });
      await new Promise<void>((resolve) => fake.listen(0, "127.0.0.1", resolve));
      const { port } = fake.address() as { port: number };
      const error = await rejection(connect(mysqlTarget({ port }, "x"), { signal: AbortSignal.timeout(5000), readOnly: true }));
      assert.equal(diagnose(error)?.code, "CONNECTION_FAILED", String(error));
      assert.match(diagnose(error)?.message ?? "", expected);
      assert.ok(!Buffer.concat(received).includes("root:"), "no line of the file was sent");
      await new Promise((resolve) => fake.close(resolve));
    }
  });
});
