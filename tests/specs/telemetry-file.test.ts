import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { problem } from "../../core/problem.ts";
import { createLog } from "../../core/telemetry/log.ts";
import { createTelemetry, type Telemetry } from "../../core/telemetry/trace.ts";

const base = mkdtempSync(join(tmpdir(), "tidegate-traces-"));
after(() => rmSync(base, { recursive: true, force: true }));

interface Written {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
  readonly status: { readonly code?: number; readonly message?: string };
}

let folders = 0;
const newFolder = (): string => join(base, `traces-${folders++}`);

function open(
  folder: string,
  more: { env?: Record<string, string>; maxFileBytes?: number; maxFiles?: number; traces?: "file" | "off"; lines?: string[] } = {},
): Telemetry {
  const { env = {}, maxFileBytes = 1e7, maxFiles = 5, traces = "file", lines = [] } = more;
  const log = createLog({ level: "debug", format: "json", write: (line) => lines.push(line) });
  return createTelemetry({ config: { traces, maxFileBytes, maxFiles, folder }, env, version: "1.2.3", log });
}

const linesOf = (file: string): string[] => readFileSync(file, "utf8").split("\n").slice(0, -1);
const callsIn = (folder: string): Written[][] =>
  linesOf(join(folder, "traces.jsonl")).map((line) => JSON.parse(line).resourceSpans[0].scopeSpans[0].spans);
const attributesOf = (span: Written | undefined) =>
  Object.fromEntries((span?.attributes ?? []).map(({ key, value }) => [key, Object.values(value)[0]]));

describe("traces in a file", () => {
  it("holds one call per line, in OTLP's JSON form, root first and children pointing at their parents", async () => {
    const folder = newFolder();
    const telemetry = open(folder, {
      env: { OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test%20bed", OTEL_SERVICE_NAME: "gate" },
    });
    const root = telemetry.root("tool", "query");
    const connect = root.child("connect");
    connect.end();
    const run = root.child("execute", { "db.system.name": "sqlite", "db.namespace": undefined });
    const fetch = run.child("fetch", { "tidegate.truncated": false });
    fetch.set({ "db.response.returned_rows": 3 });
    fetch.end();
    run.end();
    root.end();
    telemetry.root("verb", "inspect").end();
    await telemetry.close();

    const [line = ""] = linesOf(join(folder, "traces.jsonl"));
    const [{ resource, scopeSpans }] = JSON.parse(line).resourceSpans;
    assert.deepEqual(scopeSpans[0].scope, { name: "tidegate", version: "1.2.3" });
    const resources = attributesOf(resource);
    assert.equal(resources["service.name"], "gate");
    assert.equal(resources["service.version"], "1.2.3");
    assert.equal(resources["deployment.environment.name"], "test bed");

    const [call = [], second = []] = callsIn(folder);
    assert.deepEqual(
      call.map(({ name, kind }) => [name, kind]),
      [
        ["tools/call query", 2],
        ["connect", 1],
        ["fetch", 1],
        ["execute", 3],
      ],
    );
    const [top, first, inner, outer] = call;
    assert.equal(top?.parentSpanId, undefined);
    assert.equal(first?.parentSpanId, top?.spanId);
    assert.equal(outer?.parentSpanId, top?.spanId);
    assert.equal(inner?.parentSpanId, outer?.spanId);
    assert.deepEqual(attributesOf(inner), { "tidegate.truncated": false, "db.response.returned_rows": "3" });
    assert.deepEqual(attributesOf(outer), { "db.system.name": "sqlite" });
    assert.equal(attributesOf(top)["gen_ai.tool.name"], "query");
    assert.ok(call.every(({ traceId }) => traceId === root.traceId && /^[0-9a-f]{32}$/.test(traceId)));
    assert.ok(call.every((span) => BigInt(span.startTimeUnixNano) <= BigInt(span.endTimeUnixNano)));
    assert.ok(BigInt(top?.startTimeUnixNano ?? 0) <= BigInt(inner?.startTimeUnixNano ?? 0));
    assert.equal(second[0]?.name, "tidegate inspect");
    assert.notEqual(second[0]?.traceId, root.traceId);
  });

  it("keeps the code of a problem and no word of its message, nor a tool's name that is not one", async () => {
    const folder = newFolder();
    const telemetry = open(folder);
    const canary = "canary-4711";
    const root = telemetry.root("tool", `drop '${canary}'`);
    root.child("execute").end({ error: problem("SQL_INVALID", `No column is named "${canary}"`, canary) });
    root.end({ error: problem("SQL_INVALID", canary, undefined, new Error(canary)) });
    await telemetry.close();
    assert.ok(!readFileSync(join(folder, "traces.jsonl"), "utf8").includes(canary));
    const [top, inner] = callsIn(folder)[0] ?? [];
    assert.deepEqual(top?.status, { code: 2, message: "SQL_INVALID" });
    assert.equal(attributesOf(inner)["error.type"], "SQL_INVALID");
    assert.equal(top?.name, "tools/call");
  });

  it("changes a span no more once it has ended", async () => {
    const folder = newFolder();
    const telemetry = open(folder);
    const root = telemetry.root("verb", "query");
    root.end();
    root.set({ "tidegate.bytes": 1 });
    root.end({ error: problem("INTERNAL", "late") });
    await telemetry.close();
    const [call = [], ...others] = callsIn(folder);
    assert.equal(others.length, 0);
    assert.deepEqual(call[0]?.status, {});
    assert.equal(attributesOf(call[0])["tidegate.bytes"], undefined);
  });

  it("keeps a step that outlives its call on a line of its own", async () => {
    const folder = newFolder();
    const telemetry = open(folder);
    const root = telemetry.root("verb", "query");
    const late = root.child("release");
    root.end();
    late.end();
    await telemetry.close();
    const [call, rest] = callsIn(folder);
    assert.equal(rest?.[0]?.parentSpanId, call?.[0]?.spanId);
    assert.equal(rest?.[0]?.traceId, root.traceId);
  });

  it("bounds the steps of one call and counts what it left out", async () => {
    const folder = newFolder();
    const telemetry = open(folder);
    const root = telemetry.root("verb", "export");
    for (let i = 0; i < 1003; i++) root.child("batch").end();
    root.end();
    await telemetry.close();
    const [call = []] = callsIn(folder);
    assert.equal(call.length, 1001);
    assert.equal(attributesOf(call[0])["tidegate.dropped_spans"], "3");
  });

  it("is private to its owner", { skip: process.platform === "win32" ? "Windows has no modes" : false }, async () => {
    const folder = newFolder();
    const telemetry = open(folder);
    telemetry.root("verb", "query").end();
    await telemetry.close();
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    assert.equal(statSync(join(folder, "traces.jsonl")).mode & 0o777, 0o600);
  });

  it("starts a new file when one is full, and deletes the oldest", async () => {
    const folder = newFolder();
    const ids: string[] = [];
    for (let i = 0; i < 12; i++) {
      const telemetry = open(folder, { maxFileBytes: 1500, maxFiles: 3 });
      const root = telemetry.root("verb", "query");
      ids.push(root.traceId);
      root.end();
      await telemetry.close();
    }
    const files = readdirSync(folder).sort();
    assert.equal(files.length, 3);
    assert.ok(files.includes("traces.jsonl"));
    assert.ok(files.every((file) => statSync(join(folder, file)).size <= 1500));
    const kept = files
      .flatMap((file) => linesOf(join(folder, file)))
      .map((line) => JSON.parse(line).resourceSpans[0].scopeSpans[0].spans[0].traceId);
    assert.deepEqual(new Set(kept), new Set(ids.slice(-kept.length)));
  });

  it("takes whole lines from two processes at once, through rotations", async () => {
    const folder = newFolder();
    const script = fileURLToPath(new URL("../support/trace-calls.ts", import.meta.url));
    const args = [...("Deno" in globalThis ? ["run", "-A"] : []), script, "2000", folder];
    const writers = [0, 1].map(() => spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] }));
    const codes = await Promise.all(writers.map((writer) => once(writer, "exit")));
    assert.deepEqual(
      codes.map(([code]) => code),
      [0, 0],
    );
    const files = readdirSync(folder);
    const ids = files
      .flatMap((file) => linesOf(join(folder, file)))
      .map((line) => JSON.parse(line).resourceSpans[0].scopeSpans[0].spans[0].traceId);
    assert.ok(files.length > 5);
    assert.equal(new Set(ids).size, 4000);
    assert.equal(ids.length, 4000);
  });

  it("writes what is waiting when the process exits without closing", async () => {
    const folder = newFolder();
    const telemetry = open(folder);
    telemetry.root("verb", "query").end();
    assert.ok(!existsSync(folder));
    process.emit("exit", 0);
    assert.equal(callsIn(folder).length, 1);
    await telemetry.close();
    assert.equal(callsIn(folder).length, 1);
  });

  it("warns once and answers on when the folder cannot be made", async () => {
    const folder = newFolder();
    writeFileSync(folder, "a file is in the way");
    const lines: string[] = [];
    const telemetry = open(folder, { lines });
    for (let i = 0; i < 250; i++) telemetry.root("verb", "query").end();
    await telemetry.close();
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", /"level":"warn".*Traces cannot be written/);
  });

  it("warns once when the disk is full", { skip: existsSync("/dev/full") ? false : "This system has no /dev/full" }, async () => {
    const folder = newFolder();
    const lines: string[] = [];
    const first = open(folder);
    first.root("verb", "query").end();
    await first.close();
    rmSync(join(folder, "traces.jsonl"));
    symlinkSync("/dev/full", join(folder, "traces.jsonl"));
    const telemetry = open(folder, { lines });
    for (let i = 0; i < 250; i++) telemetry.root("verb", "query").end();
    await telemetry.close();
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", /ENOSPC|No space/);
  });

  it("leaves nothing behind when tracing is off, and calls still have ids", async () => {
    const folder = newFolder();
    const telemetry = open(folder, { traces: "off" });
    const root = telemetry.root("tool", "query");
    assert.match(root.child("connect").traceparent(), new RegExp(`^00-${root.traceId}-[0-9a-f]{16}-0[0-3]$`));
    root.end();
    await telemetry.close();
    assert.ok(!existsSync(folder));
  });
});

describe("a caller's trace", () => {
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const spanId = "b7ad6b7169203331";

  it("is continued from the traceparent that came with the call, flags and state kept", async () => {
    const folder = newFolder();
    const telemetry = open(folder);
    const root = telemetry.root("tool", "query", { traceparent: `00-${traceId}-${spanId}-00`, tracestate: "vendor=a,other=b" });
    assert.match(root.traceparent(), new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
    root.end();
    await telemetry.close();
    const [call = []] = callsIn(folder);
    assert.equal(call[0]?.traceId, traceId);
    assert.equal(call[0]?.parentSpanId, spanId);
    assert.equal(call[0]?.traceState, "vendor=a,other=b");
  });

  it("is read from the environment by a verb, and not by the calls of a server", async () => {
    const telemetry = open(newFolder(), { env: { TRACEPARENT: `00-${traceId}-${spanId}-01` }, traces: "file" });
    assert.equal(telemetry.root("verb", "query").traceId, traceId);
    assert.notEqual(telemetry.root("tool", "query").traceId, traceId);
    assert.notEqual(telemetry.root("verb", "query", {}).traceId, traceId);
    await telemetry.close();
  });

  const ignored: readonly unknown[] = [
    "",
    42,
    null,
    `00-${traceId}-${spanId}`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${"0".repeat(32)}-${spanId}-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01-more`,
    `0-${traceId}-${spanId}-01`,
  ];
  for (const traceparent of ignored) {
    it(`is not taken from ${JSON.stringify(traceparent)}`, async () => {
      const telemetry = open(newFolder(), { traces: "off" });
      const root = telemetry.root("tool", "query", { traceparent, tracestate: "a=b" });
      assert.match(root.traceId, /^[0-9a-f]{32}$/);
      assert.notEqual(root.traceId, traceId);
    });
  }

  it("is taken from a later version of the header", () => {
    const telemetry = open(newFolder(), { traces: "off" });
    assert.equal(telemetry.root("tool", "query", { traceparent: `01-${traceId}-${spanId}-01-what-comes-next` }).traceId, traceId);
  });
});
