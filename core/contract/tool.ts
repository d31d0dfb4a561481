import type { CatalogObject, CatalogRequest } from "./catalog.ts";
import type { Params, ReadOnlyProof } from "./driver.ts";
import type { Principal } from "./policy.ts";
import type { RowStream } from "./rows.ts";

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
  readonly input: Schema<Input>;
  /** Returns the text a model reads. */
  run(input: Input, call: Call): Promise<string>;
}

export interface QueryInput {
  readonly sql: string;
  readonly connection?: string;
  readonly params?: Params;
  readonly access?: "read" | "write";
  readonly maxMillis?: number;
  readonly maxRows?: number;
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

export interface ConnectionState {
  readonly name: string;
  readonly engine: string;
  readonly display: string;
  readonly state: "idle" | "open" | "failed";
  readonly readOnly?: ReadOnlyProof["state"];
  readonly error?: string;
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
  query(request: QueryInput): Promise<RowStream>;
  explain(request: QueryInput & { readonly analyze?: boolean }): Promise<string>;
  export(request: ExportInput): Promise<ExportReport>;
  catalog(connection: string | undefined, request: Omit<CatalogRequest, "signal">): Promise<readonly CatalogObject[]>;
  connections(): Promise<readonly ConnectionState[]>;
  progress(done: number, total?: number): void;
}
