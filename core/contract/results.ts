import type { Column } from "./rows.ts";

/** Why a stored result has not all the rows its statement had. */
export type Truncated = "rows" | "bytes" | "disk" | "time" | "policy";

/** Where a result came from. */
export interface Lineage {
  /** The connection it was read from; `results` for one that was made of others. */
  readonly connection: string;
  readonly fingerprint: string;
  /** The statement's text; absent where the policy does not let texts be kept. */
  readonly sql?: string;
  /** Tables and views that were read, as `schema.name`. */
  readonly objects: readonly string[];
  /** Names of the results it was made of. */
  readonly parents: readonly string[];
  readonly traceId: string;
  /** What the policy narrowed, in words; absent when nothing. */
  readonly policy?: string;
}

/** A result that is kept, as its owner sees it. */
export interface StoredResult {
  /** Short for its owner, and nobody else's: `r1`. */
  readonly name: string;
  /** As they were in the source, but each name there once. */
  readonly columns: readonly Column[];
  readonly rows: number;
  /** On the disk. */
  readonly bytes: number;
  readonly truncated?: Truncated;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly expires: number;
  readonly lineage: Lineage;
}

/** A file that was written from a statement or a result. */
export interface ExportedFile {
  readonly path: string;
  readonly format: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly created: number;
  readonly lineage: Lineage;
}
