import type { ColumnPlace } from "../../../core/contract/analysis.ts";
import type { Token } from "./lexer.ts";

/** A part of an expression. What has no names, calls or queries in it is of kind `parts` without any. */
export type Expression =
  | { readonly kind: "parts"; readonly parts: readonly Expression[]; readonly place?: ColumnPlace }
  /** `column`, `table.column`, `database.table.column`. */
  | { readonly kind: "name"; readonly parts: readonly Token[] }
  | { readonly kind: "star"; readonly parts: readonly Token[] }
  | { readonly kind: "call"; readonly call: Call }
  | { readonly kind: "cast"; readonly type: string; readonly parts: readonly Expression[] }
  | { readonly kind: "setting"; readonly name: string }
  | { readonly kind: "query"; readonly query: Query };

export interface Call {
  readonly schema?: string;
  readonly name: string;
  /** False where the server would look for a stored function first: a name in quotes, or one away from its parenthesis. */
  readonly plain: boolean;
  readonly parts: readonly Expression[];
}

/** Parts of a statement, wherever they stand in it. */
export interface Found {
  /** Every table it names, common table expressions among them. */
  readonly tables: TableRef[];
  /** The names of its common table expressions. */
  readonly ctes: string[];
  /** Every function it calls. */
  readonly calls: Call[];
  /** Where selects without a table would name one; what stands there is `from dual`, or nothing. */
  readonly fromless: { readonly query: number; readonly start: number; readonly end: number }[];
  /** Computed columns of select lists that have no alias: their text is their name. */
  readonly nameless: { readonly start: number; readonly end: number }[];
}

export interface Query {
  readonly ctes: readonly Cte[];
  readonly recursive: boolean;
  readonly body: Body;
  readonly order: readonly Expression[];
  readonly limit: readonly Expression[];
}

export interface Cte {
  readonly name: string;
  readonly columns: readonly string[];
  readonly query: Query;
}

export type Body =
  | Select
  | { readonly kind: "sets"; readonly sides: readonly Query[] }
  | { readonly kind: "values"; readonly rows: readonly (readonly Expression[])[] }
  | { readonly kind: "table"; readonly table: TableRef; readonly start: number }
  | { readonly kind: "nested"; readonly query: Query };

export interface Select {
  readonly kind: "select";
  readonly items: readonly Item[];
  readonly from: readonly From[];
  readonly where: readonly Expression[];
  readonly group: readonly Expression[];
  readonly having: readonly Expression[];
  readonly windows: readonly Expression[];
}

export interface Item {
  readonly expression: Expression;
  /** The alias, or the text of the expression. */
  readonly name: string;
  readonly aliased: boolean;
}

/** A table where it is named. The text from `start` to `end` is its name with what belongs to it; `hints` is what goes when it is no table any more. */
export interface TableRef {
  readonly kind: "table";
  readonly parts: readonly Token[];
  readonly alias?: string;
  readonly start: number;
  readonly end: number;
  /** `partition (…)` and `for system_time …`, which stay with the name. */
  readonly suffix: string;
  /** The expressions of `for system_time`. */
  readonly time: readonly Expression[];
  readonly hints?: { readonly start: number; readonly end: number };
  /** Parentheses that hold nothing but the table: MySQL knows none around a query that has an alias. */
  readonly around: readonly { readonly start: number; readonly end: number }[];
}

export type From =
  | TableRef
  | {
      readonly kind: "derived";
      readonly query: Query;
      readonly alias: string;
      readonly columns: readonly string[];
      readonly lateral: boolean;
    }
  | { readonly kind: "json"; readonly parts: readonly Expression[]; readonly columns: readonly string[]; readonly alias: string }
  | {
      readonly kind: "join";
      readonly left: From;
      readonly right: From;
      readonly on: readonly Expression[];
      readonly using: readonly string[];
      readonly natural: boolean;
    }
  | { readonly kind: "group"; readonly items: readonly From[] };

export const nothing: Expression = { kind: "parts", parts: [] };

export const together = (parts: readonly Expression[], place?: ColumnPlace): Expression => {
  const [only] = parts;
  return place === undefined && parts.length === 1 && only !== undefined ? only : { kind: "parts", parts, ...(place && { place }) };
};
