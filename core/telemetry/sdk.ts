import { randomBytes } from "node:crypto";
import type { HrTime, Tracer } from "@opentelemetry/api";
import {
  trace as api,
  context,
  createTraceState,
  DiagLogLevel,
  diag,
  logs,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
} from "@opentelemetry/api";
import { NodeSDK } from "@opentelemetry/sdk-node";
import type { AttributeValue } from "./attributes.ts";
import type { FinishedSpan, FinishedTrace } from "./span.ts";

export interface SdkOptions {
  readonly resource: Readonly<Record<string, AttributeValue>>;
  readonly version: string;
  /** Hears why spans were lost, in one line without a stack. */
  readonly report: (reason: string) => void;
}

export interface Sdk {
  send(trace: FinishedTrace): void;
  /** Resolves when everything was delivered; rejects with what stopped it. */
  shutdown(): Promise<void>;
}

interface Ids {
  readonly traceId: string;
  readonly spanId: string;
}

const kinds = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER, client: SpanKind.CLIENT } as const;

/**
 * Starts OpenTelemetry as its environment variables say: endpoint, headers, protocol, sampler, batching.
 * Finished spans are replayed through a tracer whose id generator yields the ids they already have.
 */
export function startSdk({ resource, version, report }: SdkOptions): Sdk {
  let next: Ids | undefined;
  // With this set, the SDK's constructor prints to standard output, where answers go.
  delete process.env.OTEL_LOG_LEVEL;
  const sdk = new NodeSDK({
    resourceDetectors: [{ detect: () => ({ attributes: resource }) }],
    metricReaders: [],
    logRecordProcessors: [],
    idGenerator: {
      generateTraceId: () => next?.traceId ?? randomBytes(16).toString("hex"),
      generateSpanId: () => next?.spanId ?? randomBytes(8).toString("hex"),
    },
  });
  listen(report);
  sdk.start();
  const tracer = api.getTracer("tidegate", version);
  const replay = (trace: FinishedTrace, span: FinishedSpan, flags: number): number => {
    next = { traceId: trace.traceId, spanId: span.spanId };
    const sampled = replaySpan(tracer, trace, span, flags);
    next = undefined;
    return sampled;
  };
  return {
    send(trace) {
      let flags = trace.parent?.flags ?? TraceFlags.SAMPLED;
      // The root comes first, and what the sampler decides about it holds for the whole call.
      for (const span of trace.spans) flags = replay(trace, span, flags);
    },
    shutdown() {
      const delivered = sdk.shutdown();
      releaseGlobals();
      return delivered;
    },
  };
}

function replaySpan(tracer: Tracer, trace: FinishedTrace, span: FinishedSpan, flags: number): number {
  const startTime = hrTime(span.startMillis);
  const options = { kind: kinds[span.kind], startTime, attributes: { ...span.attributes } };
  const live = tracer.startSpan(span.name, options, parentContext(trace, span, flags));
  if (span.errorCode !== undefined) live.setStatus({ code: SpanStatusCode.ERROR, message: span.errorCode });
  live.end(hrTime(span.endMillis));
  return live.spanContext().traceFlags;
}

function parentContext({ traceId, parent }: FinishedTrace, { parentSpanId }: FinishedSpan, traceFlags: number) {
  if (parentSpanId === undefined) return ROOT_CONTEXT;
  const isRemote = parentSpanId === parent?.spanId;
  const state = parent?.state === undefined ? {} : { traceState: createTraceState(parent.state) };
  return api.setSpanContext(ROOT_CONTEXT, { traceId, spanId: parentSpanId, traceFlags, isRemote, ...state });
}

function hrTime(millis: number): HrTime {
  const seconds = Math.floor(millis / 1000);
  return [seconds, Math.round((millis - seconds * 1000) * 1000) * 1000];
}

/** Takes the place of the SDK's own logger, which prints stacks. */
function listen(report: (reason: string) => void): void {
  const hear = (...parts: readonly unknown[]): void =>
    report(
      parts
        .filter((part) => typeof part === "string")
        .map(plain)
        .join(" "),
    );
  const ignore = (): void => {};
  const logger = { error: hear, warn: hear, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}

/** The SDK describes an export error as JSON with its stack and the collector's answer, and quotes addresses with their passwords. */
function plain(text: string): string {
  if (!text.startsWith("{")) return (text.split("\n", 1)[0] ?? "").replace(/\/\/[^/\s]*@/g, "//");
  const { message = "The export failed", code }: { message?: string; code?: string } = JSON.parse(text);
  return code === undefined ? message : `${message} (${code})`;
}

/** OpenTelemetry keeps its parts in process-wide places; a second start in this process needs them free. */
function releaseGlobals(): void {
  api.disable();
  context.disable();
  propagation.disable();
  logs.disable();
  diag.disable();
}
