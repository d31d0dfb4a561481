import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { createSqliteDriver } from "../../plugins/sqlite/driver.ts";
import { describeAnalyzer } from "../contract/analyzer.ts";
import { sqliteFixture } from "./sqlite-analyzer-fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "tidegate-analyzer-"));
after(() => rmSync(folder, { recursive: true, force: true }));

describeAnalyzer({
  name: "SQLite",
  driver: createSqliteDriver({ log: () => undefined }),
  target: { scheme: "sqlite", location: join(folder, "guard.db"), options: { create: "true" } },
  fixture: sqliteFixture,
});
