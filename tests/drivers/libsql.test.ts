import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import type { Target } from "../../core/contract/driver.ts";
import activate from "../../plugins/libsql/plugin.ts";
import { describeDriver } from "../contract/driver.ts";
import { cannot, driverOf, inProcess, libsqlFixture, targetAt } from "./libsql-suite.ts";

const folder = mkdtempSync(join(tmpdir(), "tidegate-libsql-"));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, "text.db"), "This is no database. ".repeat(100));
const target = (name: string, options: Target["options"] = {}) => targetAt("libsql", join(folder, name), options);

describeDriver({
  name: "libsql, a file",
  driver: driverOf(await activate({ contract: 1, log: () => undefined })),
  target: target("suite.db"),
  writableTarget: target("suite.db", { create: "true" }),
  fixture: libsqlFixture([
    { target: target("missing.db"), code: "NOT_FOUND" },
    { target: target("missing.db", { create: "true" }), code: "NOT_FOUND" },
    { target: target("."), code: "INPUT_INVALID" },
    { target: target("text.db"), code: "INPUT_INVALID" },
    { target: target("suite.db", { mode: "rw" }), code: "INPUT_INVALID" },
    { target: target("suite.db", { busy_timeout: "soon" }), code: "INPUT_INVALID" },
    { target: target("suite.db", { syncInterval: "60" }), code: "INPUT_INVALID" },
    { target: target("suite.db", { syncUrl: "ftp://shop" }), code: "INPUT_INVALID" },
    { target: target("replica.db", { syncUrl: "http://127.0.0.1:1" }), code: "CONNECTION_FAILED" },
  ]),
  cannot: [...cannot, ...inProcess],
});
