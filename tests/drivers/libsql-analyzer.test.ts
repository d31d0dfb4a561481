import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import activate from "../../plugins/libsql/plugin.ts";
import { describeAnalyzer } from "../contract/analyzer.ts";
import { libsqlAbsence, startLibsql } from "../support/services-libsql.ts";
import { driverOf, targetAt } from "./libsql-suite.ts";
import { sqliteFixture } from "./sqlite-analyzer-fixture.ts";

const driver = driverOf(await activate({ contract: 1, log: () => undefined }));
const folder = mkdtempSync(join(tmpdir(), "tidegate-libsql-analyzer-"));
after(() => rmSync(folder, { recursive: true }));
const fixture = {
  ...sqliteFixture,
  dangerous: [
    ...sqliteFixture.dangerous,
    "select readfile('/etc/hostname')",
    "select sha3_query('select 1')",
    "select * from fsdir('/etc')",
    "select libsql_vector_idx(name) from person",
  ],
  legitimate: [
    ...sqliteFixture.legitimate,
    "select vector_extract(vector32('[1, 2]')), vector_distance_cos(vector32('[1, 2]'), vector32('[2, 1]'))",
  ],
};

describeAnalyzer({ name: "libSQL, a file", driver, target: targetAt("libsql", join(folder, "guard.db"), { create: "true" }), fixture });

const absence = libsqlAbsence();
if (absence !== undefined) describe("analyzer libSQL, a server", () => it.skip(`needs a server: ${absence}`, () => undefined));
else {
  const server = await startLibsql({ tokens: false });
  after(() => server.stop());
  describeAnalyzer({ name: "libSQL, a server", driver, target: targetAt("libsql+http", `127.0.0.1:${server.port}`), fixture });
}
