import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { problem } from "../../core/problem.ts";
import { createLog } from "../../core/telemetry/log.ts";
import { createTelemetry, type Telemetry } from "../../core/telemetry/trace.ts";

const folder = mkdtempSync(join(tmpdir(), "tidegate-otlp-"));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Request {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A collector that keeps what it gets; `answer` decides how it replies, if at all. */
async function collector(
  answer: (status: (code: number) => void) => void = (status) => status(200),
  port = 0,
): Promise<{ url: string; requests: Request[]; server: Server }> {
  const requests: Request[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      requests.push({ path: request.url ?? "", headers: request.headers, body: Buffer.concat(parts) });
      answer((code) =>
        response
          .writeHead(code, { "content-type": request.headers["content-type"] ?? "" })
          .end(request.headers["content-type"] === "application/json" ? "{}" : ""),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  open.push(server);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, server };
}

const open: Server[] = [];
const changed = new Map<string, string | undefined>();

afterEach(() => {
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  for (const [name, value] of changed) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  changed.clear();
});

/** The SDK reads the process's own environment, so that is what has to be set. */
function start(env: Readonly<Record<string, string>>, traces: "file" | "otlp" = "file"): { telemetry: Telemetry; lines: string[] } {
  for (const [name, value] of Object.entries(env)) {
    changed.set(name, process.env[name]);
    process.env[name] = value;
  }
  const lines: string[] = [];
  const log = createLog({ level: "debug", format: "json", write: (line) => lines.push(line) });
  return { telemetry: createTelemetry({ config: { traces, maxFileBytes: 1e7, maxFiles: 5, folder }, env, version: "1.2.3", log }), lines };
}

function oneCall(telemetry: Telemetry, traceparent?: string): string {
  const root = telemetry.root("tool", "query", { traceparent, tracestate: "vendor=x" });
  const execute = root.child("execute", { "db.system.name": "sqlite" });
  execute.child("fetch", { "db.response.returned_rows": 7 }).end();
  execute.end({ error: problem("TIMEOUT", "Select 'canary-4711' took too long") });
  root.end();
  return root.traceId;
}

const spansOf = ({ body }: Request) => JSON.parse(body.toString("utf8")).resourceSpans[0].scopeSpans[0].spans;
const attributesOf = (of: { attributes: { key: string; value: Record<string, unknown> }[] }) =>
  Object.fromEntries(of.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

describe("traces sent to a collector", () => {
  it("arrive with their own ids, parents, kinds and attributes when an endpoint is set", async () => {
    const { url, requests } = await collector();
    const { telemetry, lines } = start({
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_HEADERS: "x-team=data",
      OTEL_RESOURCE_ATTRIBUTES: "service.namespace=shop",
    });
    const traceId = oneCall(telemetry, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    await telemetry.close();

    assert.deepEqual(lines, []);
    assert.deepEqual(readdirSync(folder), []);
    const [request] = requests;
    assert.ok(request !== undefined && requests.length === 1);
    assert.equal(request.path, "/v1/traces");
    assert.equal(request.headers["x-team"], "data");
    const [root, fetch, execute] = spansOf(request);
    assert.equal(root.traceId, traceId);
    assert.equal(root.traceId, "0af7651916cd43dd8448eb211c80319c");
    assert.equal(root.parentSpanId, "b7ad6b7169203331");
    assert.equal(root.traceState, "vendor=x");
    assert.equal(execute.parentSpanId, root.spanId);
    assert.equal(fetch.parentSpanId, execute.spanId);
    assert.deepEqual([root.name, root.kind, execute.kind, fetch.kind], ["tools/call query", 2, 3, 1]);
    assert.deepEqual(attributesOf(fetch), { "db.response.returned_rows": 7 });
    assert.deepEqual(execute.status, { code: 2, message: "TIMEOUT" });
    assert.ok(
      BigInt(root.startTimeUnixNano) <= BigInt(fetch.startTimeUnixNano) && BigInt(fetch.endTimeUnixNano) <= BigInt(root.endTimeUnixNano),
    );
    const resource = attributesOf(JSON.parse(request.body.toString("utf8")).resourceSpans[0].resource);
    assert.equal(resource["service.name"], "tidegate");
    assert.equal(resource["service.namespace"], "shop");
  });

  it("hold neither a message's text nor the command line", async () => {
    const { url, requests } = await collector();
    const { telemetry } = start({
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_NODE_RESOURCE_DETECTORS: "all",
    });
    oneCall(telemetry);
    await telemetry.close();
    const text = requests.map(({ body }) => body.toString("utf8")).join("");
    assert.ok(text.includes("execute"));
    assert.ok(!text.includes("canary-4711"));
    assert.ok(!text.includes("process.command"));
  });

  it("travel as protobuf unless told otherwise", async () => {
    const { url, requests } = await collector();
    const { telemetry } = start({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/traces` });
    const traceId = oneCall(telemetry);
    await telemetry.close();
    assert.equal(requests[0]?.path, "/traces");
    assert.equal(requests[0]?.headers["content-type"], "application/x-protobuf");
    assert.ok(requests[0]?.body.includes(Buffer.from(traceId, "hex")));
  });

  it("are sampled as a whole, by the sampler the environment names and by the caller's flag", async () => {
    const { url, requests } = await collector();
    const { telemetry } = start({
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0",
    });
    oneCall(telemetry);
    oneCall(telemetry, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
    oneCall(telemetry, "00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203331-01");
    await telemetry.close();
    const ids = requests.flatMap(spansOf).map(({ traceId }) => traceId);
    assert.deepEqual(ids, Array(3).fill("0af7651916cd43dd8448eb211c80319d"));
  });

  it("all arrive when many calls end at once", async () => {
    const { url, requests } = await collector();
    const { telemetry } = start({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" });
    for (let i = 0; i < 500; i++) oneCall(telemetry);
    await telemetry.close();
    assert.equal(requests.flatMap(spansOf).length, 1500);
  });

  it("cost one warning when nobody listens", async () => {
    const { url, server } = await collector();
    await new Promise((resolve) => server.close(resolve));
    const { telemetry, lines } = start({ OTEL_EXPORTER_OTLP_ENDPOINT: url.replace("//", "//user:hunter2@") });
    oneCall(telemetry);
    await telemetry.close();
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", /"level":"warn".*not reaching the collector.*ECONNREFUSED/);
    assert.ok(!lines.join("").includes("hunter2"));
    assert.ok(!/\bat .*:\d+:\d+/.test(lines.join("")));
  });

  it("that ended while nobody listened arrive once somebody does", async () => {
    const gone = await collector();
    const { port } = new URL(gone.url);
    await new Promise((resolve) => gone.server.close(resolve));
    const { telemetry } = start({ OTEL_EXPORTER_OTLP_ENDPOINT: gone.url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" });
    // A hundred calls are handed on at once, before the collector is there.
    const ids = Array.from({ length: 100 }, () => oneCall(telemetry));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const { requests } = await collector(undefined, Number(port));
    await telemetry.close();
    assert.deepEqual([...new Set(requests.flatMap(spansOf).map(({ traceId }) => traceId))].sort(), ids.sort());
  });

  it("do not keep the process waiting for a collector that never answers", async () => {
    const { url } = await collector(() => {});
    const { telemetry, lines } = start({ OTEL_EXPORTER_OTLP_ENDPOINT: url });
    oneCall(telemetry);
    await telemetry.close();
    assert.match(lines.join(""), /No answer within/);
  });

  it("name the collector's refusal in one line", async () => {
    const { url } = await collector((status) => status(401));
    const { telemetry, lines } = start({ OTEL_EXPORTER_OTLP_ENDPOINT: url });
    oneCall(telemetry);
    await telemetry.close();
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", /401|Unauthorized/);
  });

  it("never print to standard output, whatever the SDK is told to log", async () => {
    const { url, requests } = await collector();
    const script = fileURLToPath(new URL("../support/trace-calls.ts", import.meta.url));
    const args = [...("Deno" in globalThis ? ["run", "-A"] : []), script, "1"];
    const env = { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_LOG_LEVEL: "all" };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env });
    assert.deepEqual([stdout, stderr, requests.length], ["", "", 1]);
  });

  for (const [name, value] of [
    ["OTEL_SDK_DISABLED", "true"],
    ["OTEL_TRACES_EXPORTER", "none"],
    ["OTEL_TRACES_EXPORTER", "console"],
  ] as const) {
    it(`are not sent with ${name}=${value}`, async () => {
      const { url, requests } = await collector();
      const { telemetry } = start({ OTEL_EXPORTER_OTLP_ENDPOINT: url, [name]: value }, "otlp");
      oneCall(telemetry);
      await telemetry.close();
      assert.deepEqual(requests, []);
    });
  }
});
