/** One call through any surface. What was not known when the call ended is absent. */
export interface AuditRecord {
  readonly type: "call";
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly trace: string;
  readonly principal: string;
  readonly roles?: readonly string[];
  readonly via: string;
  /** The tool or verb: `query`, `export`, `inspect`. */
  readonly action: string;
  readonly connection?: string;
  readonly access?: "read" | "write";
  readonly kind?: string;
  readonly fingerprint?: string;
  readonly objects?: readonly string[];
  /** The rules of the policy that narrowed the call. */
  readonly rules?: readonly string[];
  /** `schema.table.column: how`, for masked and hidden columns. */
  readonly masks?: readonly string[];
  readonly filters?: number;
  readonly rows?: number;
  readonly affectedRows?: number;
  /** True of a write that was tried and taken back. */
  readonly dryRun?: boolean;
  /** Of a write a person was asked about: that they were, or what they said. */
  readonly consent?: "asked" | "yes" | "no" | "nothing";
  readonly bytes?: number;
  readonly millis: number;
  /** `ok`, or the code of the problem. */
  readonly outcome: string;
  /** Why it was refused, in words that name no value. */
  readonly reason?: string;
  /** Only where the policy asks for it. */
  readonly sql?: string;
}

/** What a file of the audit begins with: the files before it, and how far each had come. */
export interface OpenRecord {
  readonly type: "open";
  readonly time: string;
  readonly pid: number;
  readonly version: string;
  /** The ends of the other files, by name: who deletes or shortens one is found by the next. */
  readonly heads: Readonly<Record<string, string>>;
  /** Files deleted because they were too old. */
  readonly retired?: readonly string[];
}

/** A signature over the chain so far. */
export interface CheckpointRecord {
  readonly type: "checkpoint";
  readonly time: string;
  /** How many records it is the first to sign. */
  readonly records: number;
  /** Ed25519 over the chain before this record, base64. */
  readonly signature: string;
}

export type AnyRecord = AuditRecord | OpenRecord | CheckpointRecord;
