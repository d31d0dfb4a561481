import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import type { AuditRecord } from "../../core/audit/record.ts";
import { createSqliteDriver } from "../../plugins/sqlite/driver.ts";
import { resultsApp } from "../support/results-app.ts";

describe("the audit of stored results", () => {
  it("tells all that was fetched, and of an answer given again what was asked", async () => {
    const place = mkdtempSync(join(tmpdir(), "tidegate-results-audit-"));
    const database = new DatabaseSync(join(place, "a.db"));
    database.exec("create table one (x int); create table two (x int)");
    database.close();
    const room = await resultsApp(
      [createSqliteDriver({ log: () => undefined })],
      { a: join(place, "a.db") },
      { TIDEGATE_AUDIT_MODE: "on" },
    );
    try {
      await room.call("analyze", { sql: "select * from p, q", from: { p: { sql: "select * from one" }, q: { sql: "select * from two" } } });
      for (const _ of [1, 2]) await room.call("query", { sql: "select * from one", max_age: 60 });
      const { folder } = room.app.config.audit;
      const files = readdirSync(folder).filter((name) => name.endsWith(".jsonl"));
      const lines = files.flatMap((name) => readFileSync(join(folder, name), "utf8").trim().split("\n"));
      const records = lines.map((line) => JSON.parse(line).record as AuditRecord);
      const [fetched, first, again] = records.filter(({ action }) => action === "analyze" || action === "query");
      assert.deepEqual(fetched?.objects, ["a: main.one", "a: main.two"]);
      assert.deepEqual([again?.connection, again?.fingerprint], ["a", first?.fingerprint]);
    } finally {
      await room.close();
      rmSync(place, { recursive: true, force: true });
    }
  });
});
