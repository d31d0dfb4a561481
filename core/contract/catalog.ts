import type { LogicalType } from "./rows.ts";

export type ObjectKind = "table" | "view" | "materialized view" | "routine" | "sequence" | "type" | "extension";

export interface ObjectName {
  readonly schema?: string;
  readonly name: string;
}

export interface CatalogColumn {
  readonly name: string;
  readonly type: LogicalType;
  readonly nativeType: string;
  readonly nullable: boolean;
  /** The default or generation expression as the engine writes it. */
  readonly default?: string;
  readonly generated?: boolean;
  readonly comment?: string;
}

export interface ForeignKey {
  readonly columns: readonly string[];
  readonly references: ObjectName & { readonly columns: readonly string[] };
}

export interface CatalogIndex {
  readonly name: string;
  readonly unique: boolean;
  /** Column names or expressions, in index order. */
  readonly columns: readonly string[];
}

/** One table, view or other named thing. What `detail` did not ask for is absent. */
export interface CatalogObject extends ObjectName {
  readonly kind: ObjectKind;
  readonly comment?: string;
  /** The engine's estimate, or an exact count where counting is free; absent when unknown. */
  readonly estimatedRows?: number;
  /** Size on disk with indexes; absent when unknown. */
  readonly bytes?: number;
  /** True when the engine filters the rows of this table by who asks. */
  readonly rowSecurity?: boolean;
  /** False for a table where a rollback takes nothing back, as in a MyISAM table. */
  readonly transactional?: false;
  /** The table this one is a partition of. */
  readonly partitionOf?: ObjectName;
  /** How a routine is called and what it returns, e.g. `(a integer, b text) returns numeric`. */
  readonly signature?: string;
  /** The values of an enumerated type, in its order. */
  readonly values?: readonly string[];
  /** The version of an extension. */
  readonly version?: string;
  readonly columns?: readonly CatalogColumn[];
  /** Column names in key order; empty or absent when there is none. */
  readonly primaryKey?: readonly string[];
  readonly foreignKeys?: readonly ForeignKey[];
  readonly indexes?: readonly CatalogIndex[];
  readonly checks?: readonly string[];
  /** The statement that would create the object, as the engine keeps it. */
  readonly definition?: string;
}

/** `names`: name, kind, comment and rows; `columns`: also columns, primary and foreign keys; `full`: also indexes, checks and the definition. */
export type CatalogDetail = "names" | "columns" | "full";

export interface CatalogRequest {
  readonly detail: CatalogDetail;
  /** Only this object; absent means every object the connection may see, internal ones left out. */
  readonly object?: ObjectName;
  readonly signal: AbortSignal;
}

/** Reads metadata in one round trip. Objects come ordered by schema, then name. */
export interface Catalog {
  read(request: CatalogRequest): Promise<readonly CatalogObject[]>;
}
