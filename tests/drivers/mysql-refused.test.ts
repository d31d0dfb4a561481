import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, before, describe, it } from "node:test";
import type { Connection } from "../../core/contract/driver.ts";
import activate from "../../plugins/mysql/plugin.ts";
import { never, rejection, rowsOf } from "../contract/driver/bench.ts";
import { type MariaDb, mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { mysqlTarget } from "./mysql-suite.ts";

const [driver] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
assert.ok(driver);
const { connect, diagnose } = driver;
const absence = mariaDbAbsence();

const open = (port: number, user: string, password = "x"): Promise<Connection> =>
  connect(mysqlTarget({ port }, "", user, password), { signal: never, readOnly: true });

async function diagnosis(failing: Promise<unknown>) {
  const error = await rejection(failing);
  const found = diagnose(error) ?? assert.fail(String(error));
  assert.ok(found.hint, found.message);
  return found;
}

describe("mysql is refused", { skip: absence }, () => {
  let server: MariaDb;
  before(async () => {
    server = await startMariaDb(["--max-password-errors=2"]);
  });
  after(() => server?.stop());

  const cases = [
    ["expired", "identified by 'x' password expire", "CREDENTIALS_REJECTED", /password has expired/],
    ["locked", "identified by 'x' account lock", "CREDENTIALS_REJECTED", /account is locked/],
    ["crowd", "identified by 'x' with max_user_connections 1", "CONNECTION_FAILED", /limit of its account: max_user_connections/],
    ["hourly", "identified by 'x' with max_connections_per_hour 1", "CONNECTION_FAILED", /limit of its account: max_connections_per_hour/],
    ["blocked", "identified by 'y'", "CREDENTIALS_REJECTED", /blocked after too many failed logins/],
  ] as const;
  for (const [user, account, code, expected] of cases) {
    it(`as ${user}, in words of its own`, async () => {
      server.run(`create user ${user}@'%' ${account}`);
      const opened: Connection[] = [];
      let last: Awaited<ReturnType<typeof diagnosis>> | undefined;
      for (let tries = 0; tries < 3; tries++) {
        const outcome = await open(server.port, user).then(
          (connection) => void opened.push(connection),
          (error: unknown) => diagnosis(Promise.reject(error)),
        );
        last = outcome ?? last;
      }
      for (const connection of opened) await connection[Symbol.asyncDispose]();
      assert.deepEqual([last?.code, expected.test(last?.message ?? "")], [code, true], last?.message);
    });
  }

  it("by a server that is too old, which it names", async () => {
    for (const [version, wanted] of [
      ["5.7.44-log", "MySQL 8.0"],
      ["10.2.44-MariaDB", "MariaDB 10.3"],
    ] as const) {
      const old = await startMariaDb([`--version=${version}`]);
      old.run("create user it@'%' identified by 'x'");
      const { code, message } = await diagnosis(open(old.port, "it"));
      await old.stop();
      assert.equal(code, "UNSUPPORTED");
      assert.ok(message.includes(version) && message.includes(wanted), message);
    }
  });

  it("for a table, a column, or a number of parameters, and says which", async () => {
    server.run(
      "create database words; create user words@'%' identified by 'x'; grant all on words.* to words@'%'; create table words.t (id int)",
    );
    await using connection = await connect(mysqlTarget(server, "words", "words", "x"), { signal: never, readOnly: false });
    const missing = async (sql: string) => {
      const error = await rejection(rowsOf(connection, sql));
      const found = diagnose(error);
      return [found?.missing, found?.missingKind];
    };
    assert.deepEqual(await missing("select * from tt"), ["tt", "object"]);
    assert.deepEqual(await missing("drop table tt"), ["tt", "object"]);
    assert.deepEqual(await missing("select idd from t"), ["idd", "column"]);
    assert.deepEqual(await missing("select x.idd from t x"), ["idd", "column"]);
    assert.deepEqual(await missing("select nothing_like_this(1)"), [undefined, undefined]);
    const counted = async (sql: string, params: readonly number[]) => (await diagnosis(rowsOf(connection, sql, params))).message;
    assert.equal(await counted("select ?", []), "The statement has 1 parameter and 0 were given");
    assert.equal(await counted("select ?, ?", [1]), "The statement has 2 parameters and 1 was given");
  });
});

/** Servers say these before they say who they are. */
describe("mysql is turned away at the door", () => {
  for (const [number, text, expected] of [
    [1129, "Host '10.0.0.1' is blocked because of many connection errors; unblock with 'mariadb-admin flush-hosts'", /blocked this host/],
    [1130, "Host '10.0.0.1' is not allowed to connect to this MySQL server", /no user in from this host/],
    [1040, "Too many connections", /server has too many connections/],
  ] as const) {
    it(`with error ${number}`, async () => {
      const door = createServer((socket) => {
        const payload = Buffer.concat([Uint8Array.of(0xff, number & 255, number >> 8), Buffer.from(text)]);
        socket.end(Buffer.concat([Uint8Array.of(payload.length, 0, 0, 0), payload]));
        socket.on("error", () => undefined);
      });
      await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve));
      const { port } = door.address() as { port: number };
      const { code, message } = await diagnosis(open(port, "anybody"));
      await new Promise((resolve) => door.close(resolve));
      assert.deepEqual([code, expected.test(message)], ["CONNECTION_FAILED", true], message);
    });
  }
});
