import type { CatalogDetail, ObjectKind } from "./catalog.ts";
import type { Params } from "./driver.ts";
import type { Principal } from "./policy.ts";
import type { StoredResult } from "./results.ts";

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
export interface InlineWish {
  readonly maxRows?: number;
  readonly format?: "csv" | "json";
}

export interface InlineInput extends QueryInput, InlineWish {
  /** An answer that is no older may be given again. */
  readonly maxAgeMillis?: number;
}

/** A page of a stored result: `r1` from its first row, `r1:100` after its hundredth. */
export interface PageInput extends InlineWish {
  readonly cursor: string;
}

/** A stored result, or some of its rows, as a file would hold them. */
export interface StoredBytesInput {
  readonly name: string;
  readonly format: string;
  /** Counted from 1, both included; absent means all. */
  readonly rows?: readonly [first: number, last: number];
}

/** One statement over stored results. */
export interface AnalyzeInput extends InlineWish {
  readonly sql: string;
  readonly params?: Params;
  readonly maxMillis?: number;
  /** Statements whose results it reads too, under these names. */
  readonly from?: Readonly<Record<string, QueryInput>>;
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
  /** The result as it is kept, where it was larger than what is shown. */
  readonly kept?: Pick<StoredResult, "name" | "rows" | "truncated">;
  /** Why it was not. */
  readonly unkept?: { readonly code: string; readonly message: string; readonly hint?: string };
  /** How many rows stand before the first that is shown. */
  readonly skipped?: number;
  /** Milliseconds since the rows were read from their source, where that was before this call. */
  readonly age?: number;
  readonly millis: number;
}

/** What an export wrote. */
export interface ExportReport {
  /** The file; the folder of several; for a split result what their names are made of. */
  readonly path: string;
  readonly format: string;
  /** Of all files. */
  readonly rows: number;
  /** Of all files. */
  readonly bytes: number;
  readonly seconds: number;
  /** Of the file; of several the hash of their list as `sha256sum` prints it. */
  readonly sha256: string;
  /** Each file, where there is not one. */
  readonly files?: readonly WrittenFile[];
  /** What of it is new, where rows were added to a file. */
  readonly appended?: { readonly rows: number; readonly bytes: number };
  /** What the format holds instead of what it has no place for. */
  readonly notes?: readonly string[];
}

/** One file an export wrote. */
export interface WrittenFile {
  /** Absolute. */
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  /** Of its bytes, in hex. */
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

export interface ExportInput extends Omit<QueryInput, "sql"> {
  /** Absent where `from` is given. */
  readonly sql?: string;
  /** A stored result. */
  readonly from?: string;
  /** A file in the export folder, or a folder there by the slash at its end; absent means a name after the content and the moment. */
  readonly to?: string;
  readonly format?: string;
  readonly overwrite?: boolean;
}

/** All that a tool may touch. Every service is already bound to the caller. */
export interface Call {
  readonly principal: Principal;
  readonly signal: AbortSignal;
  readonly traceId: string;
  query(request: InlineInput): Promise<InlineResult>;
  /** Reads on in a stored result, without its source. */
  page(request: PageInput): Promise<InlineResult>;
  /** Runs a statement over stored results. */
  analyze(request: AnalyzeInput): Promise<InlineResult>;
  /** The caller's stored results. */
  stored(): Promise<readonly StoredResult[]>;
  /** A stored result as a file would hold it. @throws LIMIT_EXCEEDED when that is too large for an answer */
  storedBytes(request: StoredBytesInput): Promise<Uint8Array>;
  explain(request: QueryInput & { readonly analyze?: boolean }): Promise<string>;
  export(request: ExportInput): Promise<ExportReport>;
  /** Runs a write; where the caller's roles want a person to agree and one can be asked, gives the question first. */
  execute(request: ExecuteInput): Promise<ExecuteReport | Question>;
  /** Describes what a connection holds; without anything asked for, the connections themselves come first. */
  inspect(request: InspectInput): Promise<InspectPage>;
}
