/** Where a trace came from: the caller's span, over the wire. */
export interface RemoteParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
  readonly state?: string;
}

/** What a caller may send along; anything but text counts as absent. */
export interface TraceHeaders {
  readonly traceparent?: unknown;
  readonly tracestate?: unknown;
}

/** Bit 0 is "sampled", bit 1 "the trace id is random"; the specification asks to clear the others. */
const knownFlags = 0x03;
const longestState = 512;

/** Reads W3C trace context. `undefined` when `traceparent` is invalid: the specification says to start a new trace then. */
export function parseTraceHeaders({ traceparent, tracestate }: TraceHeaders): RemoteParent | undefined {
  if (typeof traceparent !== "string") return undefined;
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(traceparent.trim());
  if (match === null) return undefined;
  const [, version = "", traceId = "", spanId = "", flags = "", rest] = match;
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  const parent = { traceId, spanId, flags: Number.parseInt(flags, 16) & knownFlags };
  return isTraceState(tracestate) ? { ...parent, state: tracestate } : parent;
}

/** The header that names one of our spans as the parent of what happens next. */
export function formatTraceparent(traceId: string, spanId: string, flags: number): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, "0")}`;
}

function isTraceState(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= longestState && /^[\x20-\x7e]+$/.test(value);
}
