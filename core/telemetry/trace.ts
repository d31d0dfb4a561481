import { clearTimeout, setTimeout } from "node:timers";
import { type Attributes, attribute } from "./attributes.ts";
import { createTraceFile, type TraceSink } from "./file.ts";
import { createLineWriter } from "./json.ts";
import type { Log } from "./log.ts";
import { createOtlpSink } from "./otlp.ts";
import { describeResource, type Environment } from "./resource.ts";
import { type FinishedTrace, type Span, type SpanKind, startRoot } from "./span.ts";
import { parseTraceHeaders, type TraceHeaders } from "./traceparent.ts";

export interface TelemetryDeps {
  readonly config: {
    readonly traces: "file" | "otlp" | "off";
    readonly maxFileBytes: number;
    readonly maxFiles: number;
    /** Holds the trace files; made on first use. */
    readonly folder: string;
  };
  readonly env: Environment;
  readonly version: string;
  readonly log: Log;
}

/** Records what every call did. Nothing here waits or fails on behalf of a call. */
export interface Telemetry {
  /** Starts the span of a whole call. A verb without `headers` joins `TRACEPARENT` of the environment. */
  root(kind: "tool" | "verb", name: string, headers?: TraceHeaders): Span;
  /** Delivers what has ended, within half a second, and stops recording. */
  close(): Promise<void>;
}

const flushMillis = 1000;
const maxQueued = 100;

export function createTelemetry(deps: TelemetryDeps): Telemetry {
  const { config, env } = deps;
  const destination = chooseDestination(config.traces, env);
  const queue = destination === "off" ? nowhere : createQueue(openSink(destination, deps));
  return {
    root: (kind, name, headers = kind === "verb" ? fromEnvironment(env) : {}) =>
      startRoot({ ...callShape(kind, name), parent: parseTraceHeaders(headers), finished: queue.add }),
    close: queue.close,
  };
}

interface Queue {
  add(trace: FinishedTrace): void;
  close(): Promise<void>;
}

const nowhere: Queue = { add: () => {}, close: () => Promise.resolve() };

function openSink(destination: "file" | "otlp", { config, env, version, log }: TelemetryDeps): TraceSink {
  const resource = describeResource(env, version);
  if (destination === "file") return createTraceFile({ ...config, line: createLineWriter(resource, version), log });
  return createOtlpSink({ resource, version, endpoint: endpointOf(env) ?? "http://localhost:4318", log });
}

function callShape(kind: "tool" | "verb", name: string): { name: string; kind: SpanKind; attributes: Attributes } {
  if (kind === "verb") return { name: `tidegate ${name}`, kind: "internal", attributes: { [attribute.verb]: name } };
  const method = "tools/call";
  // A client may ask for a tool that does not exist, under a name that could hold anything.
  const tool = /^[\w.-]{1,64}$/.test(name) ? name : undefined;
  const attributes = { [attribute.mcpMethod]: method, [attribute.operation]: "execute_tool", [attribute.tool]: tool };
  return { name: tool === undefined ? method : `${method} ${tool}`, kind: "server", attributes };
}

function fromEnvironment(env: Environment): TraceHeaders {
  return { traceparent: env.TRACEPARENT, tracestate: env.TRACESTATE };
}

/** The environment's OTLP endpoint turns "file" into "otlp"; "off" stays off. */
function chooseDestination(wanted: "file" | "otlp" | "off", env: Environment): "file" | "otlp" | "off" {
  const refused = env.OTEL_SDK_DISABLED?.toLowerCase() === "true" || (env.OTEL_TRACES_EXPORTER || "otlp") !== "otlp";
  if (refused) return wanted === "otlp" ? "off" : wanted;
  return wanted === "file" && endpointOf(env) !== undefined ? "otlp" : wanted;
}

function endpointOf(env: Environment): string | undefined {
  return env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT || undefined;
}

/** Holds finished calls for up to a second, so that an answer never waits for a disk or a collector. */
function createQueue(sink: TraceSink): Queue {
  let waiting: FinishedTrace[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const traces = waiting;
    waiting = [];
    if (traces.length > 0) sink.write(traces);
  };
  process.on("exit", flush);
  return {
    add(trace) {
      if (closed) return;
      timer ??= setTimeout(flush, flushMillis).unref();
      waiting.push(trace);
      if (waiting.length >= maxQueued) flush();
    },
    async close() {
      closed = true;
      flush();
      process.off("exit", flush);
      await sink.close();
    },
  };
}
