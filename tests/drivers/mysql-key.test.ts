import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import activate from "../../plugins/mysql/plugin.ts";
import { never, rejection } from "../contract/driver/bench.ts";

const [driver] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
assert.ok(driver);
const { connect, diagnose } = driver;
const pem = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ type: "spki", format: "pem" });

/** Somebody in between, who offers no TLS, and a key of their own. */
function interceptor(plugin: string, onPassword: () => void) {
  return (socket: Socket) => {
    let sequence = 0;
    const say = (...parts: readonly (Buffer | string)[]) => {
      const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
      const head = Buffer.alloc(4);
      head.writeUIntLE(body.length, 0, 3);
      head[3] = sequence;
      socket.write(Buffer.concat([head, body]));
    };
    // Protocol 4.1, secure connection, plugins; no TLS.
    const capabilities = Buffer.from([0x00, 0x82, 45, 2, 0, 0x08, 0x00, 21]);
    say("\x0a8.0.40\0", Buffer.alloc(4, 1), "saltsalt\0", capabilities, Buffer.alloc(10), "saltsaltsalt\0", `${plugin}\0`);
    socket.on("error", () => undefined);
    socket.on("data", (heard: Buffer) => {
      sequence = (heard[3] ?? 0) + 1;
      const body = heard.subarray(4);
      if (body.length === 1) return say("\x01", pem);
      if (body.length === 32) return say("\x01\x04");
      if (body.length !== 256) return say(Buffer.of(0xfe), `${plugin}\0`, "s".repeat(20), "\0");
      onPassword();
      socket.destroy();
    });
  };
}

describe("mysql, a password without TLS", () => {
  const logIn = async (plugin: string, host: string, options: Readonly<Record<string, string>> = {}) => {
    let isTold = false;
    const server = createServer(
      interceptor(plugin, () => {
        isTold = true;
      }),
    );
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const target = {
      scheme: "mysql",
      location: `${host}:${port}/x`,
      options: { "defaults-file": "/dev/null", ...options },
      user: "ann",
      password: { reveal: () => "canary" },
    };
    const reach = async () => ({ host: "127.0.0.1", port });
    const diagnosis = diagnose(await rejection(connect(target, { signal: never, readOnly: true, reach })));
    server.close();
    return { isTold, ...diagnosis };
  };

  for (const plugin of ["caching_sha2_password", "sha256_password"]) {
    it(`is not put under a key that whoever answers sends (${plugin})`, async () => {
      for (const mode of ["preferred", "disabled"]) {
        const { isTold, code, message, hint } = await logIn(plugin, "db.example.com", { "ssl-mode": mode });
        assert.deepEqual([isTold, code], [false, "CREDENTIALS_REJECTED"], message);
        assert.match(hint ?? "", /server-public-key-path.*get-server-public-key=1/);
      }
    });

    it(`is where the caller says so, and on this machine (${plugin})`, async () => {
      assert.equal((await logIn(plugin, "db.example.com", { "get-server-public-key": "1" })).isTold, true);
      assert.equal((await logIn(plugin, "127.0.0.1")).isTold, true);
    });
  }
});
