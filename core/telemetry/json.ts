import type { AttributeValue } from "./attributes.ts";
import type { FinishedSpan, FinishedTrace, SpanKind } from "./span.ts";

const kinds: Readonly<Record<SpanKind, number>> = { internal: 1, server: 2, client: 3 };
const statusError = 2;

/**
 * Gives the function that writes one call as one line of OTLP JSON (a `TracesData` object), the form
 * of OpenTelemetry's file exporter: a collector reads the file as it is.
 */
export function createLineWriter(resource: Readonly<Record<string, AttributeValue>>, version: string): (trace: FinishedTrace) => string {
  const head = `{"resourceSpans":[{"resource":${JSON.stringify({ attributes: attributeList(resource) })},"scopeSpans":[{"scope":${JSON.stringify({ name: "tidegate", version })},"spans":`;
  return (trace) => `${head}${JSON.stringify(trace.spans.map((span) => spanObject(trace, span)))}}]}]}\n`;
}

function spanObject(trace: FinishedTrace, span: FinishedSpan): object {
  return {
    traceId: trace.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    traceState: trace.parent?.state,
    name: span.name,
    kind: kinds[span.kind],
    startTimeUnixNano: nanoText(span.startMillis),
    endTimeUnixNano: nanoText(span.endMillis),
    attributes: attributeList(span.attributes),
    status: span.errorCode === undefined ? {} : { code: statusError, message: span.errorCode },
  };
}

function attributeList(attributes: Readonly<Record<string, AttributeValue>>): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

/** Protobuf's JSON form: 64-bit integers and the numbers JSON lacks travel as text. */
function anyValue(value: AttributeValue): object {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (Number.isSafeInteger(value)) return { intValue: String(value) };
  return { doubleValue: Number.isFinite(value) ? value : String(value) };
}

/** Microseconds are all the clock has, and all that fits a double: the last three digits are zero. */
function nanoText(millis: number): string {
  return `${Math.round(millis * 1000)}000`;
}
