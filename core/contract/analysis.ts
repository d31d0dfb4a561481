import type { ObjectName } from "./catalog.ts";
import type { Diagnosis } from "./problem.ts";
import type { ColumnRef, Value } from "./rows.ts";

/** What a statement does with a relation. */
export type RelationAccess = "read" | "insert" | "update" | "delete" | "schema";

/** A base relation a statement reaches, by its identity in the engine's catalog, never by an alias. */
export interface RelationUse extends ObjectName {
  readonly access: RelationAccess;
  /** `catalog` is the engine's own metadata (`pg_catalog`, `information_schema`, `sqlite_master`). A view is listed besides what it reads. */
  readonly kind: "table" | "view" | "materialized view" | "catalog";
  /** Of a `catalog`: `names` tells names and types only, `structure` also texts in which values may stand (defaults, conditions), `contents` also values, plans or what others do, `secrets` credentials. */
  readonly tells?: "names" | "structure" | "contents" | "secrets";
  /** The views it is reached through, outermost first; absent when the statement names it itself. */
  readonly through?: readonly ObjectName[];
}

/** Where in a statement a column has influence. `other` is everywhere an analyzer does not tell apart. */
export type ColumnPlace = "output" | "filter" | "join" | "group" | "order" | "window" | "other";

/** A base column a statement reaches, directly, by a star, a whole row, or through views. */
export interface ColumnUse extends ColumnRef {
  readonly places: readonly ColumnPlace[];
  /** True when only a star or a whole row reaches it, and no name: a hidden column is then left out, not refused. */
  readonly byStar?: true;
}

/** A function, operator or cast by its catalog identity. */
export interface FunctionUse {
  readonly schema?: string;
  /** In the engine's own spelling, without arguments: `lower`, `===>`. */
  readonly name: string;
  readonly kind: "function" | "operator" | "cast" | "table function";
  /** True when this engine's reviewed allowlist has it. Policy refuses the others unless somebody allowed them by name. */
  readonly trusted: boolean;
  /** The extension or named set it belongs to, e.g. `postgis`; sets are allowed as a whole. */
  readonly set?: string;
}

/** How much a statement asks for. All counts include subqueries and the bodies of views. */
export interface Complexity {
  readonly relations: number;
  readonly joins: number;
  /** Nesting of subqueries: 1 for a plain select. */
  readonly depth: number;
  readonly recursive: boolean;
}

/**
 * Everything policy may ask about one statement. It is complete or `unresolved` is set: an empty list means
 * "none", never "not known".
 */
export interface Analysis {
  /** The statement's first word after any `with` and `explain`, lower case: `select`, `insert`, `create`. */
  readonly verb: string;
  readonly relations: readonly RelationUse[];
  readonly columns: readonly ColumnUse[];
  readonly functions: readonly FunctionUse[];
  readonly complexity: Complexity;
  /** True for an update or delete that is not limited by a `where`. */
  readonly everyRow?: boolean;
  /** The shape without literals, aliases of whitespace and case; the same for statements that differ in values only. 16 hex digits. */
  readonly fingerprint: string;
  /** What could not be understood or resolved. Policy refuses the statement in these words. */
  readonly unresolved?: Diagnosis;
}

/**
 * How a masked column looks. `redact` is `***` in a text column and null in any other, `hash` 16 hex digits of SHA-256,
 * `partial` the first character and `***`, or `***` where the value has fewer than five. `{ sql }` is an expression in the engine's own SQL over the columns of the same row. */
export type MaskForm = "redact" | "null" | "hash" | "partial" | { readonly sql: string };

/**
 * What a caller may see of one base relation. A driver substitutes the relation by a subselect wherever it is
 * reached, through views too, so that every other part of the statement sees masked values and permitted rows only.
 */
export interface RelationRestriction extends ObjectName {
  /** Columns that do not exist for the caller; in the body of a view that names them they are null. */
  readonly hidden: readonly string[];
  readonly masks: readonly { readonly column: string; readonly form: MaskForm }[];
  /** Conditions in the engine's SQL, all of which a row must meet; `:name` stands for an entry of `values`. */
  readonly where: readonly string[];
  readonly values: Readonly<Record<string, Value>>;
  /** Put before what `hash` hashes, so that nobody can look a value up by its hash. */
  readonly salt?: string;
}
