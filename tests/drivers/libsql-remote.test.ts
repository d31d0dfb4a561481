import { after, describe, it } from "node:test";
import type { Target } from "../../core/contract/driver.ts";
import activate from "../../plugins/libsql/plugin.ts";
import { describeDriver } from "../contract/driver.ts";
import { libsqlAbsence, startLibsql } from "../support/services-libsql.ts";
import { cannot, driverOf, libsqlFixture, targetAt } from "./libsql-suite.ts";

const absence = libsqlAbsence();
if (absence !== undefined) describe("driver libsql, a server", () => it.skip(`needs a server: ${absence}`, () => undefined));
else {
  const server = await startLibsql();
  after(() => server.stop());
  const address = `127.0.0.1:${server.port}`;
  const target = (token: string, options: Target["options"] = {}): Target => ({
    ...targetAt("libsql", address, { tls: "0", ...options }),
    password: { reveal: () => token },
  });
  describeDriver({
    name: "libsql, a server",
    driver: driverOf(await activate({ contract: 1, log: () => undefined })),
    target: target(server.token("rw")),
    fixture: libsqlFixture([
      { target: target("not.a.token"), code: "CREDENTIALS_REJECTED" },
      { target: target(server.token("rw", 1000)), code: "CREDENTIALS_REJECTED" },
      { target: targetAt("libsql+http", address), code: "CREDENTIALS_REJECTED" },
      { target: targetAt("libsql+http", "127.0.0.1:1"), code: "CONNECTION_FAILED" },
      { target: targetAt("libsql", address), code: "CONNECTION_FAILED" },
      { target: targetAt("libsql+http", "no-such-host.invalid"), code: "CONNECTION_FAILED" },
      { target: targetAt("libsql+http", "no host"), code: "INPUT_INVALID" },
      { target: target(server.token("rw"), { create: "true" }), code: "INPUT_INVALID" },
    ]),
    cannot,
  });
}
