import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import activate from "../../plugins/mysql/plugin.ts";
import { cellOf, never, rejection } from "../contract/driver/bench.ts";
import { type MariaDb, mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { type Peer, peers } from "./mysql-peers.ts";
import { mariaDbPlugins } from "./mysql-plugins.ts";
import { mysqlTarget } from "./mysql-suite.ts";

const [driver] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
assert.ok(driver);
const { connect, diagnose } = driver;

interface Login {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly options?: Readonly<Record<string, string>>;
}

/** Who the server says has logged in, or the code of the problem. */
async function logIn({ port, user, password, options = {} }: Login): Promise<unknown> {
  const target = mysqlTarget({ port }, "", user, password);
  try {
    await using connection = await connect({ ...target, options: { ...target.options, ...options } }, { signal: never, readOnly: true });
    return await cellOf(connection, "select substring_index(current_user(), '@', 1)");
  } catch (error) {
    return diagnose(error)?.code ?? error;
  }
}

const passwords = ["s3cret é", "x".repeat(200)];
const plugins = mariaDbPlugins();
const noPlugins = mariaDbAbsence() ?? ("absence" in plugins ? plugins.absence : undefined);

describe("MariaDB lets in", { skip: noPlugins }, () => {
  let server: MariaDb;
  const folder = "folder" in plugins ? plugins.folder : "";
  const hasParsec = existsSync(join(folder, "auth_parsec.so"));
  before(async () => {
    server = await startMariaDb([
      `--plugin-dir=${folder}`,
      "--plugin-load-add=auth_ed25519",
      ...(hasParsec ? ["--plugin-load-add=auth_parsec"] : []),
    ]);
  });
  after(async () => {
    await server?.stop();
    if ("remove" in plugins) plugins.remove();
  });

  const lets = async (plugin: string) => {
    for (const [index, password] of passwords.entries()) {
      const user = `${plugin}${index}`;
      server.run(`create user ${user}@'%' identified via ${plugin} using password('${password}')`);
      assert.equal(await logIn({ port: server.port, user, password }), user);
      assert.equal(await logIn({ port: server.port, user, password: `${password}!` }), "CREDENTIALS_REJECTED");
    }
  };

  it("users with ed25519, and nobody with a wrong password", () => lets("ed25519"));

  const itHasParsec = hasParsec ? it : it.skip;
  itHasParsec("users with PARSEC, which came with 11.6", () => lets("parsec"));

  it("users whose plugin it changes during the login", async () => {
    server.run("create user either@'%' identified via ed25519 using password('one') or mysql_native_password using password('other')");
    assert.equal(await logIn({ port: server.port, user: "either", password: "one" }), "either");
    assert.equal(await logIn({ port: server.port, user: "either", password: "other" }), "either");
    assert.equal(await logIn({ port: server.port, user: "either", password: "neither" }), "CREDENTIALS_REJECTED");
  });
});

const mysqlPeer = peers.find(({ name }) => name === "MySQL");

describe("MySQL lets in", { skip: mysqlPeer?.absence }, () => {
  let peer: Peer;
  const folder = mkdtempSync(join(tmpdir(), "tidegate-mysql-auth-"));
  before(async () => {
    peer = (await mysqlPeer?.start("logins")) ?? assert.fail();
  });
  after(async () => {
    await peer?.stop();
    rmSync(folder, { recursive: true });
  });

  for (const plugin of ["caching_sha2_password", "sha256_password"]) {
    it(`users with ${plugin}, with and without TLS, the first time and later`, async () => {
      for (const [index, password] of ["s3cret é", ""].entries()) {
        const user = `${plugin.slice(0, 5)}${index}`;
        await peer.run(`drop user if exists ${user}@'%'`);
        await peer.run(`create user ${user}@'%' identified with ${plugin} by '${password}'`);
        for (const mode of ["disabled", "required"]) {
          // The server forgets whom it knows: what follows is the whole exchange.
          await peer.run("flush privileges");
          const login = { port: peer.port, user, options: { "ssl-mode": mode } };
          assert.equal(await logIn({ ...login, password: `${password}!` }), "CREDENTIALS_REJECTED", mode);
          for (let round = 0; round < 2; round++) assert.equal(await logIn({ ...login, password }), user, `${mode}, login ${round}`);
        }
        await peer.run(`drop user ${user}@'%'`);
      }
    });
  }

  it("users that send their password under a public key they were given", async () => {
    await using connection = await peer.open(true);
    const key = await cellOf(
      connection,
      "select variable_value from performance_schema.global_status where variable_name = 'Caching_sha2_password_rsa_public_key'",
    );
    const path = join(folder, "public.pem");
    writeFileSync(path, String(key));
    await peer.run("drop user if exists keyed@'%'");
    await peer.run("create user keyed@'%' identified with caching_sha2_password by 'k'");
    const options = { "ssl-mode": "disabled", "server-public-key-path": path };
    assert.equal(await logIn({ port: peer.port, user: "keyed", password: "k", options }), "keyed");
    await peer.run("drop user keyed@'%'");
  });
});

describe("a public key for the server", () => {
  it("is read before anything is sent", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tidegate-mysql-key-"));
    const path = join(folder, "no.pem");
    writeFileSync(path, "no key");
    for (const named of [path, join(folder, "none.pem")]) {
      const target = mysqlTarget({ port: 1 }, "");
      const options = { ...target.options, "server-public-key-path": named };
      const error = await rejection(connect({ ...target, options }, { signal: never, readOnly: true }));
      assert.equal(diagnose(error)?.code, "INPUT_INVALID");
    }
    rmSync(folder, { recursive: true });
  });
});
