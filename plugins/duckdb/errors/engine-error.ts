/** What the engine says of a failure, taken apart. */
export interface EngineError {
  /** `Catalog`, `Binder`, `IO`, … */
  readonly type: string;
  /** The engine's words, which may be many lines and may hold values of rows. */
  readonly message: string;
  readonly subtype?: string;
  /** The name it did not find, and the kind of thing that would have had it. */
  readonly name?: string;
  readonly kind?: string;
  /** A call no function fits, and the functions it has. */
  readonly call?: string;
  readonly candidates?: string;
  /** Where it stopped reading: code points for a syntax error, bytes for everything else. */
  readonly position?: number;
}

const types = [
  "Binder",
  "Catalog",
  "Connection",
  "Constraint",
  "Conversion",
  "Decimal",
  "Dependency",
  "Divide by Zero",
  "Extension Autoloading",
  "FATAL",
  "IO",
  "Invalid Configuration",
  "Invalid Input",
  "INTERRUPT",
  "Missing Extension",
  "Mismatch Type",
  "Not implemented",
  "Out of Memory",
  "Out of Range",
  "Parameter Not Allowed",
  "Parameter Not Resolved",
  "Parser",
  "Permission",
  "Sequence",
  "Serialization",
  "Settings",
  "Syntax",
  "TransactionContext",
] as const;

const plainForm = new RegExp(`(?:^|: )(${types.join("|")}) Error: (.*)$`, "s");

/** Reads an error of the bindings; `undefined` when the engine did not write it. `errors_as_json` is on, but not while a file is opened. */
export function readEngineError(error: unknown): EngineError | undefined {
  if (!(error instanceof Error)) return undefined;
  const start = error.message.indexOf('{"exception_type":');
  if (start !== -1) return fromJson(error.message.slice(start));
  const [, type, message] = plainForm.exec(error.message) ?? [];
  return type === undefined || message === undefined ? undefined : { type, message };
}

/** The offset as JavaScript counts: UTF-16 units. */
export function offsetIn(sql: string, { subtype, position }: EngineError): number | undefined {
  if (position === undefined) return undefined;
  if (subtype === "SYNTAX_ERROR") return Math.min([...sql].slice(0, position).join("").length, sql.length);
  return Buffer.from(sql).subarray(0, position).toString().length;
}

function fromJson(text: string): EngineError | undefined {
  let read: Readonly<Record<string, string>>;
  try {
    read = JSON.parse(text);
  } catch {
    // Cut short or followed by other text: then it is not in the form this reads.
    return undefined;
  }
  return {
    type: read.exception_type ?? "",
    message: read.exception_message ?? "",
    ...(read.error_subtype && { subtype: read.error_subtype }),
    ...(read.name && { name: read.name }),
    ...(read.type && { kind: read.type }),
    ...(read.call && { call: read.call }),
    ...(read.candidates && { candidates: read.candidates }),
    ...(read.position && { position: Number(read.position) }),
  };
}
