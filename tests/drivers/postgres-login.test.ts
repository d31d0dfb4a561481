import assert from "node:assert/strict";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import type { Target } from "../../core/contract/driver.ts";
import type { ProblemCode } from "../../core/contract/problem.ts";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { never, rejection } from "../contract/driver/bench.ts";

const driver = createPostgresDriver();

/** What a server says next, after what it heard. */
type Script = readonly ((heard: Buffer) => Buffer)[];

/** Servers that no package holds: very old ones, and those that behave as none should. */
describe("driver postgres, logging in to odd servers", () => {
  it("refuses a server that is too old, and says which version it has", async () => {
    const old = [() => Buffer.concat([ok, key, ready]), () => described, () => rowOf(110_022)];
    await refused(old, "UNSUPPORTED", /PostgreSQL 11, and this driver needs 12 or newer/);
    await refused([() => failure("FATAL", "42704", 'unrecognized configuration parameter "x"')], "UNSUPPORTED", /"x"/);
  });

  it("names a way to log in that it does not know, and does not wait", async () => {
    await refused([() => request(7)], "UNSUPPORTED", /GSSAPI/);
    await refused([() => request(9)], "UNSUPPORTED", /SSPI/);
    await refused([() => request(99)], "UNSUPPORTED", /a method it does not name/);
    await refused([() => request(10, "OAUTHBEARER\0\0")], "UNSUPPORTED", /OAUTHBEARER/);
  });

  it("trusts no server that asks for SCRAM and proves nothing", async () => {
    const offer = () => request(10, "SCRAM-SHA-256\0\0");
    const challenge = (heard: Buffer) => request(11, `r=${/r=([^,\0]+)/.exec(heard.toString("latin1"))?.[1]}more,s=c2FsdA==,i=4096`);
    const unproved = /could not prove that it knows the password/;
    await refused([offer, () => ok], "CREDENTIALS_REJECTED", unproved);
    await refused([offer, challenge, () => ok], "CREDENTIALS_REJECTED", unproved);
    await refused([offer, challenge, () => request(12, "v=AAAA")], "CREDENTIALS_REJECTED", unproved);
    await refused([offer, () => request(11, "r=other,s=c2FsdA==,i=4096")], "CREDENTIALS_REJECTED", unproved);
    await refused([offer, () => request(12, "v=AAAA")], "CREDENTIALS_REJECTED", unproved);
    const endless = (heard: Buffer) => request(11, challenge(heard).subarray(9).toString().replace("4096", "999999999"));
    await refused([offer, endless], "CREDENTIALS_REJECTED", unproved);
  });

  it("sends no password in clear text over an open network, unless it is asked to", async () => {
    const clear = [() => request(3), () => failure("FATAL", "28P01", "password authentication failed for user")];
    const far = (more: Record<string, string> = {}) => ({ host: "db.example.com", options: more });
    await refused(clear, "CREDENTIALS_REJECTED", /in clear text, and the connection has no TLS/, far());
    await refused(clear, "CREDENTIALS_REJECTED", /in clear text, and/, far({ require_auth: "!md5" }));
    await refused(clear, "CREDENTIALS_REJECTED", /authentication failed/, far({ require_auth: "password" }));
    await refused(clear, "CREDENTIALS_REJECTED", /authentication failed/);
  });

  it("lets a server ask only for what require_auth allows", async () => {
    const only = (require_auth: string) => ({ options: { require_auth } });
    const unwanted = /which require_auth does not allow/;
    await refused([() => request(3)], "CREDENTIALS_REJECTED", unwanted, only("scram-sha-256,md5"));
    await refused([() => request(5, "salt")], "CREDENTIALS_REJECTED", unwanted, only("!md5"));
    await refused([() => request(10, "SCRAM-SHA-256\0\0")], "CREDENTIALS_REJECTED", unwanted, only("none"));
    await refused([() => ok], "CREDENTIALS_REJECTED", unwanted, only("!none"));
    await refused([() => ok], "INPUT_INVALID", /both allows and refuses/, only("!none,md5"));
    await refused([() => ok], "INPUT_INVALID", /"magic"/, only("magic"));
  });

  it("tells what is no PostgreSQL by what it says", async () => {
    const stranger = /is not PostgreSQL/;
    await refused([() => Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")], "CONNECTION_FAILED", stranger);
    await refused([() => message("R", Buffer.alloc(1))], "CONNECTION_FAILED", stranger);
    await refused([() => Buffer.from([0x52, 0x7f, 0xff, 0xff, 0xff])], "CONNECTION_FAILED", stranger);
  });

  it("tells what poolers and servers say about their room", async () => {
    const says = (code: string, message: string) => [() => failure("FATAL", code, message)];
    const cases: readonly (readonly [string, string, ProblemCode, RegExp])[] = [
      ["08P01", "no such database: shop", "NOT_FOUND", /pooler knows no such database/],
      ["08P01", "no more connections allowed (max_client_conn)", "CONNECTION_FAILED", /pooler has no room/],
      ["08P01", "query_wait_timeout", "CONNECTION_FAILED", /no session free/],
      ["08P01", "server login has been failing, try again later (server_login_retry)", "CONNECTION_FAILED", /cannot reach its PostgreSQL/],
      ["08P01", "client_login_timeout (server down)", "CONNECTION_FAILED", /cannot reach its PostgreSQL/],
      ["08P01", "password authentication failed", "CREDENTIALS_REJECTED", /pooler rejected/],
      ["XX000", "Tenant or user not found", "CREDENTIALS_REJECTED", /pooler knows no such user/],
      ["XX000", "MaxClientsInSessionMode: max clients reached", "CONNECTION_FAILED", /pooler has no room/],
      ["08P01", 'database "shop" is disabled', "CONNECTION_FAILED", /serves nobody/],
      ["53300", "sorry, too many clients already", "CONNECTION_FAILED", /^The server has too many connections/],
      ["53300", 'too many connections for role "one"', "CONNECTION_FAILED", /for role "one"/],
      ["57P03", "the database system is starting up", "CONNECTION_FAILED", /starting or stopping/],
      ["28000", 'no pg_hba.conf entry for host "1.2.3.4"', "CREDENTIALS_REJECTED", /no pg_hba.conf entry/i],
      ["28P01", "password authentication failed for user", "CREDENTIALS_REJECTED", /Password authentication failed/],
      ["3D000", 'database "x" does not exist', "NOT_FOUND", /"x" does not exist/],
    ];
    for (const [sqlState, message, code, words] of cases) await refused(says(sqlState, message), code, words);
  });
});

interface Way {
  /** What the target calls the server; a tunnel then leads to it. */
  readonly host?: string;
  readonly options?: Readonly<Record<string, string>>;
}

async function refused(script: Script, code: ProblemCode, words: RegExp, { host, options }: Way = {}): Promise<void> {
  const server = createServer((socket) => play(socket, script));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const reach = async () => ({ host: "127.0.0.1", port });
  const target: Target = {
    scheme: "postgres",
    location: `${host ?? "127.0.0.1"}:${port}/x`,
    options: { sslmode: "disable", ...options },
    user: "ann",
    password: { reveal: () => "canary" },
  };
  const diagnosis = driver.diagnose(
    await rejection(driver.connect(target, { signal: never, readOnly: true, ...(host !== undefined && { reach }) })),
  );
  server.close();
  assert.equal(diagnosis?.code, code, diagnosis?.message);
  assert.match(diagnosis?.message ?? "", words);
  assert.match(diagnosis?.hint ?? "", /^[A-Z].*[^.]$/);
  assert.doesNotMatch(JSON.stringify(diagnosis), /canary/);
}

function play(socket: Socket, script: Script): void {
  let step = 0;
  socket.on("data", (heard: Buffer) => {
    const says = script[step++];
    if (says !== undefined) socket.write(says(heard));
  });
  socket.on("error", () => undefined);
}

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function request(kind: number, text = ""): Buffer {
  return message("R", Buffer.concat([Buffer.from([0, 0, 0, kind]), Buffer.from(text)]));
}

function failure(severity: string, code: string, text: string): Buffer {
  return message("E", Buffer.from(`S${severity}\0V${severity}\0C${code}\0M${text}\0\0`));
}

const ok = request(0);
const key = message("K", Buffer.alloc(8));
const ready = message("Z", Buffer.from("I"));
const column = (name: string) =>
  Buffer.concat([Buffer.from(`${name}\0`), Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 23, 0, 4, 255, 255, 255, 255, 0, 0])]);
const columns = message("T", Buffer.concat([Buffer.from([0, 7]), ...[..."abcdefg"].map(column)]));
const parameters = message("t", Buffer.from([0, 2, 0, 0, 0, 25, 0, 0, 0, 25]));
const described = Buffer.concat([message("1", Buffer.alloc(0)), parameters, columns]);

function rowOf(version: number): Buffer {
  const cells = [version, 0, 0, 0, 0, 1, 1].flatMap((value) => [Buffer.from([0, 0, 0, String(value).length]), Buffer.from(String(value))]);
  const row = message("D", Buffer.concat([Buffer.from([0, 7]), ...cells]));
  return Buffer.concat([message("2", Buffer.alloc(0)), row, message("C", Buffer.from("SELECT 1\0")), ready]);
}
