import type { Batch, Column } from "../contract/rows.ts";

/** The first rows of something. */
export interface Sample {
  readonly columns: readonly Column[];
  readonly batches: readonly Batch[];
  /** How many rows there were, also those that were not kept. */
  readonly total: number;
}
