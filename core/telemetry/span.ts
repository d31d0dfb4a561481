import { randomBytes } from "node:crypto";
import type { Problem } from "../problem.ts";
import { type Attributes, type AttributeValue, attribute } from "./attributes.ts";
import { formatTraceparent, type RemoteParent } from "./traceparent.ts";

/** One timed step of a call. Whoever started it ends it; after that it changes no more. */
export interface Span {
  readonly traceId: string;
  /** Starts a step inside this one. */
  child(name: string, attributes?: Attributes): Span;
  set(attributes: Attributes): void;
  /** Only the problem's code is kept: its message may quote what the user wrote. */
  end(outcome?: { readonly error?: Problem }): void;
  /** The W3C header for whatever this step calls. */
  traceparent(): string;
}

export type SpanKind = "server" | "client" | "internal";

export interface FinishedSpan {
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startMillis: number;
  readonly endMillis: number;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly errorCode?: string;
}

/** One call: its root span first, or a single span that outlived its root. */
export interface FinishedTrace {
  readonly traceId: string;
  readonly parent?: RemoteParent;
  readonly spans: readonly FinishedSpan[];
}

export interface RootSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly parent?: RemoteParent | undefined;
  readonly attributes: Attributes;
  /** Receives the whole call once, when its root ends. */
  readonly finished: (trace: FinishedTrace) => void;
}

/** Sampled, and the id is random throughout. */
const ownFlags = 0x03;
const maxSpansPerTrace = 1000;
const maxTextLength = 256;

/** Starts a call's first span; costs two random ids and no input or output. */
export function startRoot(root: RootSpan): Span {
  const trace: Trace = {
    id: root.parent?.traceId ?? randomBytes(16).toString("hex"),
    rootSpanId: randomBytes(8).toString("hex"),
    parent: root.parent,
    // Monotonic inside one call, anchored anew for each: a long-lived process follows clock corrections.
    wallOffset: Date.now() - performance.now(),
    spans: [],
    dropped: 0,
    open: true,
    finished: root.finished,
  };
  return new LiveSpan(
    trace,
    { name: root.name, kind: root.kind, spanId: trace.rootSpanId, parentSpanId: root.parent?.spanId },
    root.attributes,
  );
}

interface Trace {
  readonly id: string;
  readonly rootSpanId: string;
  readonly parent: RemoteParent | undefined;
  readonly wallOffset: number;
  readonly spans: FinishedSpan[];
  readonly finished: (trace: FinishedTrace) => void;
  dropped: number;
  open: boolean;
}

interface Identity {
  readonly name: string;
  readonly kind: SpanKind;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
}

class LiveSpan implements Span {
  readonly #trace: Trace;
  readonly #identity: Identity;
  readonly #startMillis: number;
  readonly #attributes: Record<string, AttributeValue> = {};
  #ended = false;

  constructor(trace: Trace, identity: Identity, attributes: Attributes) {
    this.#trace = trace;
    this.#identity = identity;
    this.#startMillis = trace.wallOffset + performance.now();
    this.set(attributes);
  }

  get traceId(): string {
    return this.#trace.id;
  }

  child(name: string, attributes: Attributes = {}): Span {
    const kind = attributes[attribute.dbSystem] === undefined ? "internal" : "client";
    const identity = { name, kind, spanId: randomBytes(8).toString("hex"), parentSpanId: this.#identity.spanId } as const;
    return new LiveSpan(this.#trace, identity, attributes);
  }

  set(attributes: Attributes): void {
    if (this.#ended) return;
    for (const name in attributes) {
      const value = attributes[name];
      if (value !== undefined) this.#attributes[name] = typeof value === "string" ? value.slice(0, maxTextLength) : value;
    }
  }

  end(outcome: { readonly error?: Problem } = {}): void {
    if (this.#ended) return;
    const errorCode = outcome.error?.code;
    if (errorCode !== undefined) this.set({ [attribute.errorType]: errorCode });
    this.#ended = true;
    const { name, kind, spanId, parentSpanId } = this.#identity;
    collect(this.#trace, {
      name,
      kind,
      spanId,
      ...(parentSpanId !== undefined && { parentSpanId }),
      startMillis: this.#startMillis,
      endMillis: this.#trace.wallOffset + performance.now(),
      attributes: this.#attributes,
      ...(errorCode !== undefined && { errorCode }),
    });
  }

  traceparent(): string {
    return formatTraceparent(this.#trace.id, this.#identity.spanId, this.#trace.parent?.flags ?? ownFlags);
  }
}

/** Keeps a call's spans together until its root ends, so that one call is one record. */
function collect(trace: Trace, span: FinishedSpan): void {
  const whole = { traceId: trace.id, ...(trace.parent && { parent: trace.parent }) };
  if (span.spanId === trace.rootSpanId) {
    trace.open = false;
    const root = trace.dropped === 0 ? span : { ...span, attributes: { ...span.attributes, [attribute.droppedSpans]: trace.dropped } };
    trace.finished({ ...whole, spans: [root, ...trace.spans] });
  } else if (!trace.open) {
    trace.finished({ ...whole, spans: [span] });
  } else if (trace.spans.length < maxSpansPerTrace) {
    trace.spans.push(span);
  } else {
    trace.dropped++;
  }
}
