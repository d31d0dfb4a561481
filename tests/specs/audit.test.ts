import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { type AuditPlace, createAudit } from "../../core/audit/audit.ts";
import { auditCalls } from "../../core/audit/call.ts";
import type { AuditRecord } from "../../core/audit/record.ts";
import { verifyAudit } from "../../core/audit/verify.ts";
import { problem } from "../../core/problem.ts";

const base = mkdtempSync(join(tmpdir(), "tidegate-audit-"));
after(() => rmSync(base, { recursive: true, force: true }));
let made = 0;

function place(more: Partial<AuditPlace> = {}): AuditPlace {
  const keyFolder = join(base, String(made++));
  return {
    folder: join(keyFolder, "audit"),
    keyFolder,
    version: "0",
    maxFileBytes: 1_000_000,
    keepMillis: 86_400_000,
    onFailure: "stop",
    log: { error: () => undefined },
    ...more,
  };
}

const record = (n: number): AuditRecord => ({
  type: "call",
  time: "2026-11-20T12:00:00.000Z",
  trace: String(n).padStart(32, "0"),
  principal: "local",
  via: "local",
  action: "query",
  millis: 1,
  outcome: "ok",
});

function filled(count: number, at: AuditPlace = place()): { readonly at: AuditPlace; readonly path: string; lines(): string[] } {
  const audit = createAudit(at);
  for (let n = 0; n < count; n++) audit.append(record(n));
  audit.close();
  const [name = ""] = readdirSync(at.folder).filter((file) => file.endsWith(".jsonl"));
  const path = join(at.folder, name);
  return { at, path, lines: () => readFileSync(path, "utf8").split("\n").slice(0, -1) };
}

const flawsOf = ({ folder, keyFolder }: AuditPlace) => verifyAudit(folder, keyFolder).flaws.map(({ text }) => text);

describe("the audit", () => {
  it("holds as it was written, with checkpoints that are signed", () => {
    const { at } = filled(250);
    const { files, records, checkpoints, unsigned, flaws } = verifyAudit(at.folder, at.keyFolder);
    assert.deepEqual({ files, records, unsigned, flaws }, { files: 1, records: 250, unsigned: [], flaws: [] });
    assert.ok(checkpoints >= 3);
  });

  it("shows a record that was changed, taken out, put in or moved", () => {
    const tamper: Readonly<Record<string, (lines: string[]) => string[]>> = {
      changed: (lines) => lines.map((line, at) => (at === 5 ? line.replace('"local"', '"admin"') : line)),
      "taken out": (lines) => lines.filter((_, at) => at !== 5),
      "put in": (lines) => [...lines.slice(0, 5), lines[4] ?? "", ...lines.slice(5)],
      moved: (lines) => [...lines.slice(0, 5), lines[6] ?? "", lines[5] ?? "", ...lines.slice(7)],
    };
    for (const [how, change] of Object.entries(tamper)) {
      const { at, path, lines } = filled(20);
      writeFileSync(path, `${change(lines()).join("\n")}\n`);
      assert.equal(flawsOf(at).length, 1, how);
    }
  });

  it("shows a chain that somebody else computed again, by its signatures", () => {
    const { at, path } = filled(20);
    const other = filled(20);
    // The same records with one left out, written by an installation with another key.
    rmSync(path);
    execFileSync("cp", [other.path, path]);
    assert.ok(flawsOf(at).length > 0);
  });

  it("shows what was cut off its end, or deleted, once another file knew of it", () => {
    for (const harm of [
      (path: string) => truncateSync(path, readFileSync(path, "utf8").split("\n").slice(0, 10).join("\n").length + 1),
      rmSync,
    ]) {
      const { at, path } = filled(20);
      writeFileSync(`${path}.lock`, String(process.pid));
      filled(3, at);
      rmSync(`${path}.lock`);
      assert.deepEqual(flawsOf(at), []);
      harm(path);
      assert.equal(flawsOf(at).length, 1);
    }
  });

  it("goes on with the file of a process that has ended, and leaves one alone that is being written", () => {
    const at = place();
    filled(3, at);
    filled(3, at);
    assert.equal(readdirSync(at.folder).length, 1);
    const first = createAudit(at);
    first.append(record(1));
    const second = createAudit(at);
    second.append(record(2));
    first.close();
    second.close();
    assert.equal(readdirSync(at.folder).length, 2);
    assert.deepEqual(verifyAudit(at.folder, at.keyFolder).records, 8);
    assert.deepEqual(flawsOf(at), []);
  });

  it("begins another file after a line that was cut short, and says which", () => {
    const { at, path } = filled(3);
    appendFileSync(path, '{"chain":"00');
    filled(2, at);
    assert.equal(readdirSync(at.folder).length, 2);
    assert.deepEqual(flawsOf(at), ["the last line is cut short"]);
  });

  it("begins another file when one is full, and deletes those that are too old and says so", () => {
    const at = place({ maxFileBytes: 2000 });
    filled(40, at);
    assert.ok(readdirSync(at.folder).length > 3);
    assert.deepEqual(flawsOf(at), []);
    const later = { ...at, maxFileBytes: 1, now: () => new Date(Date.now() + 3 * 86_400_000) };
    filled(1, later);
    assert.equal(readdirSync(at.folder).length, 1);
    assert.deepEqual(flawsOf(at), []);
  });

  it("stops calls while it cannot be written, or lets them go on, as the configuration says", () => {
    const blocked = join(base, "blocked");
    writeFileSync(blocked, "a file where the folder belongs");
    const errors: string[] = [];
    const stop = createAudit(place({ folder: join(blocked, "audit"), log: { error: (message) => errors.push(message) } }));
    assert.throws(() => stop.append(record(1)), { code: "LIMIT_EXCEEDED" });
    assert.throws(() => stop.ready(), { code: "LIMIT_EXCEEDED" });
    assert.equal(errors.length, 1);
    const goOn = createAudit(place({ folder: join(blocked, "audit"), onFailure: "continue" }));
    goOn.append(record(1));
    goOn.ready();
  });

  it("keeps every record of processes that are killed while they write, each in a chain that holds", () => {
    const at = place();
    const script = join(base, "writer.ts");
    writeFileSync(
      script,
      `import { createAudit } from ${JSON.stringify(join(import.meta.dirname, "../../core/audit/audit.ts"))};
       const audit = createAudit({ ...${JSON.stringify(at)}, log: { error: () => undefined } });
       for (let n = 0; n < 500; n++) audit.append({ ...${JSON.stringify(record(0))}, trace: String(n) });
       process.kill(process.pid, "SIGKILL");`,
    );
    for (let run = 0; run < 3; run++) assert.throws(() => execFileSync(process.execPath, [script], { stdio: "ignore" }));
    const { records, flaws, files } = verifyAudit(at.folder, at.keyFolder);
    assert.deepEqual({ records, flaws, files }, { records: 1500, flaws: [], files: 1 });
  });
});

describe("the record of a call", () => {
  const written = (keepsSql: boolean, failure?: ReturnType<typeof problem>): AuditRecord => {
    const records: AuditRecord[] = [];
    const begin = auditCalls(
      { append: (given) => void records.push(given), ready: () => undefined, close: () => undefined },
      () => keepsSql,
    );
    const call = begin({ trace: "t", principal: { id: "alice", roles: [], via: "oauth" }, action: "query" });
    call.note({ connection: "shop", sql: "select 'secret'" });
    call.note({ rows: 3 });
    call.end(failure);
    call.end();
    assert.equal(records.length, 1);
    return records[0] as AuditRecord;
  };

  it("is written once, with what became known, and with the SQL only where the policy asks for it", () => {
    const { principal, connection, rows, outcome, sql } = written(false);
    assert.deepEqual([principal, connection, rows, outcome, sql], ["alice", "shop", 3, "ok", undefined]);
    assert.equal(written(true).sql, "select 'secret'");
  });

  it("tells why a call was refused, and of an engine's error only the code", () => {
    assert.equal(written(false, problem("POLICY_DENIED", "No")).reason, "No");
    const failed = written(false, problem("SQL_INVALID", 'invalid input: "secret value"'));
    assert.deepEqual([failed.outcome, failed.reason], ["SQL_INVALID", undefined]);
  });
});
