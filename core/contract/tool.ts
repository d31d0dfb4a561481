import type { CatalogDetail, ObjectKind } from "./catalog.ts";
import type { Params } from "./driver.ts";
import type { Principal } from "./policy.ts";

/** The part of a zod schema a tool needs; any zod 4 object fits. */
export interface Schema<Input> {
  safeParse(
    value: unknown,
  ):
    | { readonly success: true; readonly data: Input }
    | { readonly success: false; readonly error: { readonly issues: readonly SchemaIssue[] } };
}

export interface SchemaIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** One definition serves MCP, permissions and documentation. */
export interface Tool<Input = any> {
  readonly name: string;
  /** At most two sentences: every word costs every caller. */
  readonly description: string;
  /** Drives permissions and MCP annotations: one fact, several uses. */
  readonly access: "read" | "write" | "admin";
  /** True when it writes files of the machine it runs on; it may replace an earlier one. */
  readonly writesFiles?: true;
  readonly input: Schema<Input>;
  /** Returns the text a model reads, or what a person is asked first: their answer begins the call anew. */
  run(input: Input, call: Call): Promise<string | Question>;
}

/** What a person is asked before a call goes on. Never part of a tool's input: a model must not answer for them. */
export interface Question {
  readonly question: string;
  /** How many rows they were told of; a yes is good for no more. */
  readonly rows?: number;
}

/** Somebody at the other end who can be asked. */
export interface Person {
  /** What they said to the question of this very call; absent until they were asked. */
  readonly answer?: Answer;
}

export interface Answer {
  readonly said: "yes" | "no" | "nothing";
  readonly rows?: number;
}

export interface QueryInput {
  /** Runs inside this transaction of the caller; its connection and access are then the transaction's. */
  readonly lease?: string;
  readonly sql: string;
  /** Absent when there is only one. */
  readonly connection?: string;
  readonly params?: Params;
  readonly access?: "read" | "write";
  readonly maxMillis?: number;
}

/** One statement that changes something. */
export interface ExecuteInput extends Omit<QueryInput, "access" | "lease"> {
  /** Tries it in a transaction and takes it back. */
  readonly dryRun?: boolean;
}

/** What a write came to, or would have, in words. */
export interface ExecuteReport {
  readonly text: string;
  /** Absent where the engine does not count, as of a change of the schema. */
  readonly affectedRows?: number;
}

/** How much of a result goes inline. */
export interface InlineInput extends QueryInput {
  readonly maxRows?: number;
  readonly format?: "csv" | "json";
}

/** The first rows of a result as text, and what was left out. */
export interface InlineResult {
  /** CSV with a header line, or compact JSON. */
  readonly text: string;
  readonly shown: number;
  /** All rows, or as many as were counted before counting was given up. */
  readonly total: number;
  readonly counted: "all" | "at least";
  readonly cut?: "rows" | "bytes";
  /** The setting that cut the result, where it was not the call's own wish: `limits.maxRows`. */
  readonly setting?: string;
  readonly millis: number;
}

/** What an export wrote. */
export interface ExportReport {
  readonly path: string;
  readonly format: string;
  readonly rows: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly sha256: string;
}

export interface InspectInput {
  readonly connection?: string;
  /** Words, or a LIKE pattern, looked for in names and comments. */
  readonly search?: string;
  /** One object, as `name` or `schema.name`. */
  readonly object?: string;
  readonly kind?: ObjectKind;
  readonly detail?: CatalogDetail;
  readonly cursor?: string;
}

/** One page of a description, small enough to read. */
export interface InspectPage {
  readonly text: string;
  /** Where the next page begins; absent on the last. */
  readonly cursor?: string;
}

export interface ExportInput extends QueryInput {
  readonly to: string;
  readonly format?: string;
  readonly overwrite?: boolean;
}

/** All that a tool may touch. Every service is already bound to the caller. */
export interface Call {
  readonly principal: Principal;
  readonly signal: AbortSignal;
  readonly traceId: string;
  query(request: InlineInput): Promise<InlineResult>;
  explain(request: QueryInput & { readonly analyze?: boolean }): Promise<string>;
  export(request: ExportInput): Promise<ExportReport>;
  /** Runs a write; where the caller's roles want a person to agree and one can be asked, gives the question first. */
  execute(request: ExecuteInput): Promise<ExecuteReport | Question>;
  /** Describes what a connection holds; without anything asked for, the connections themselves come first. */
  inspect(request: InspectInput): Promise<InspectPage>;
}
