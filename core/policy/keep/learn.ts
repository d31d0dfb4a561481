import { attribute } from "../../telemetry/attributes.ts";

/** One call, as far as it can become a pattern. */
export interface Seen {
  readonly fingerprint: string;
  readonly connection: string;
  /** ISO 8601. */
  readonly time: string;
  readonly sql?: string | undefined;
}

/** A statement's shape, and how often it was seen. */
export interface Pattern extends Seen {
  readonly calls: number;
}

/** The shapes among calls, the most frequent first. */
export function patternsOf(calls: Iterable<Seen>): Pattern[] {
  const found = new Map<string, Pattern>();
  for (const call of calls) {
    // An analyzer that read nothing says so in zeros.
    if (!/^[0-9a-f]{16}$/.test(call.fingerprint) || /^0+$/.test(call.fingerprint)) continue;
    const before = found.get(call.fingerprint);
    found.set(call.fingerprint, { ...before, ...call, sql: call.sql ?? before?.sql, calls: (before?.calls ?? 0) + 1 });
  }
  return [...found.values()].sort((a, b) => b.calls - a.calls || (a.fingerprint < b.fingerprint ? -1 : 1));
}

/** Patterns as they are put into a role. */
export function patternsYaml(patterns: readonly Pattern[]): string {
  const width = 80;
  const lines = patterns.map(({ fingerprint, calls, connection, time, sql }) => {
    const text = sql === undefined ? "" : `: ${sql.replace(/\s+/g, " ").trim().slice(0, width)}`;
    // All digits, or digits around an e, YAML would read as a number.
    return `  - "${fingerprint}" # ${calls} ${calls === 1 ? "call" : "calls"} on ${connection}, last ${time.slice(0, 10)}${text}`;
  });
  return `patterns:\n${lines.join("\n")}\n`;
}

/** The calls that went well among the lines of a trace file; other lines are passed over. */
export function* callsOfTraces(lines: Iterable<string>): Generator<Seen> {
  for (const line of lines) {
    const spans = spansOf(line);
    // A statement that was only asked about was not run.
    if (spans.some((span) => attributeNamed(span, attribute.verb)?.startsWith("policy "))) continue;
    for (const span of spans) {
      const fingerprint = attributeNamed(span, attribute.fingerprint);
      if (fingerprint === undefined || span.status?.code !== undefined) continue;
      const millis = Number((span.endTimeUnixNano ?? "0").slice(0, -6));
      yield { fingerprint, connection: attributeNamed(span, attribute.connection) ?? "", time: new Date(millis).toISOString() };
    }
  }
}

interface Span {
  readonly attributes?: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
  readonly status?: { readonly code?: number };
  readonly endTimeUnixNano?: string;
}

function spansOf(line: string): readonly Span[] {
  if (line.trim() === "") return [];
  try {
    const parsed: { readonly resourceSpans?: readonly { readonly scopeSpans?: readonly { readonly spans?: readonly Span[] }[] }[] } =
      JSON.parse(line);
    return parsed.resourceSpans?.flatMap(({ scopeSpans = [] }) => scopeSpans.flatMap(({ spans = [] }) => spans)) ?? [];
  } catch {
    // The last line of a process that was killed may be cut.
    return [];
  }
}

const attributeNamed = ({ attributes = [] }: Span, key: string): string | undefined =>
  attributes.find((entry) => entry.key === key)?.value.stringValue;
