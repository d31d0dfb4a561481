import type { Analysis, RelationRestriction } from "./analysis.ts";
import type { Catalog, CatalogObject, ObjectName } from "./catalog.ts";
import type { Diagnosis } from "./problem.ts";
import type { Column, RowStream, Value } from "./rows.ts";

/** A value that prints as "[secret]" everywhere except inside `reveal()`. */
export interface Secret {
  reveal(): string;
}

/** Where a connection leads. Never holds a password outside `password`. */
export interface Target {
  /** One of the driver's schemes, e.g. `sqlite`. */
  readonly scheme: string;
  /** A file path, glob or folder (absolute), `:memory:`, or host part, as the scheme needs it. */
  readonly location: string;
  /** The URL's query part. */
  readonly options: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly password?: Secret;
}

/** What core can tell about a path before any driver opens it. */
export interface PathFacts {
  readonly path: string;
  /** First bytes of a file (up to 64); empty for folders, globs and missing files. */
  readonly header: Uint8Array;
  readonly kind: "file" | "folder" | "glob" | "missing" | "memory";
  /** Lower case, without the dot, compression suffix kept: `csv`, `csv.gz`; empty when none. */
  readonly extension: string;
}

export interface EngineFacts {
  /** The product's own name, e.g. `SQLite`. */
  readonly title: string;
  /** The character that quotes an identifier; doubled inside. */
  readonly identifierQuote: string;
  /**
   * True when running a statement blocks the thread it runs on. Core then gives every connection a
   * process of its own, so that a cancel the engine cannot hear still stops it.
   */
  readonly blocking?: boolean;
  /** True when every socket goes where `ConnectOptions.reach` says, so that the connection can go through a tunnel. */
  readonly tunnels?: boolean;
  /** True when `describe` before a query gives its plan, and not its columns. */
  readonly describesPlans?: boolean;
  /** True when a column holds only values of its own type, and CSV therefore tells its values from each other. */
  readonly typed?: boolean;
  /**
   * True when a column holds only values of its own type, and decimals, dates and timestamps are compared by what they are, an ISO text
   * beside a date being that date. Such comparisons may then be left to the engine.
   */
  readonly strict?: boolean;
  /** What a rollback does not take back, in words that finish "a rollback does not take back …"; absent where it takes back everything. */
  readonly outlivesRollback?: string;
  /** The schema that unqualified names mean, where the engine has a fixed one. */
  readonly defaultSchema?: string;
}

/** Where a socket goes: a port of a host, or a unix socket's path. */
export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string };

export interface ConnectOptions {
  /**
   * Turns the endpoint of a server into one that can be reached from here, where a tunnel leads to it. Every socket of
   * the connection goes there, those that cancel included; names in certificates stay those of the server.
   */
  readonly reach?: (to: Endpoint, signal: AbortSignal) => Promise<Endpoint>;
  readonly signal: AbortSignal;
  /** True opens a connection through which nothing can be changed, whatever SQL arrives. */
  readonly readOnly: boolean;
}

/** What a database engine must offer. */
export interface Driver {
  readonly name: string;
  readonly schemes: readonly string[];
  readonly facts: EngineFacts;
  /** True when this driver reads such a path. Absent for engines that are reached by URL only. */
  claims?(path: PathFacts): boolean;
  /** True when what follows the scheme (and its colon) is a path. Absent means always where `claims` is there, and never where it is not. */
  isPath?(scheme: string, rest: string): boolean;
  /** The files a path target reads or keeps beside itself, without opening it: no export may replace one. Absent means the path alone. */
  files?(target: Target): readonly string[] | Promise<readonly string[]>;
  /** Opens one connection; rejects with the engine's error, which `diagnose` reads. */
  connect(target: Target, options: ConnectOptions): Promise<Connection>;
  /** Reads the engine's own error, or one this driver threw. `undefined` means "I do not recognise it". */
  diagnose(error: unknown): Diagnosis | undefined;
  /**
   * Opens a connection, in memory, on stored results: each is a table under its name. It changes none of them and reaches nothing
   * else, neither files nor network nor settings. Its presence is the capability to work with results; the files are the engine's own,
   * each with one table, `rows`.
   */
  cage?(tables: readonly StoredTable[], options: ConnectOptions): Promise<Connection>;
  /**
   * Splits a statement over tables of several connections (`connection.table` or `connection.schema.table`) into what each
   * is asked and what is left to do over their answers; runs nothing.
   */
  federate?(sql: string, federation: Federation): Promise<FederatedPlan>;
  /** What an administrator runs so that the engine itself lets tidegate read these tables, and change nothing. Runs nothing. */
  roleSql?(request: RoleRequest): string;
}

/** A result in a file of its own, and what statements call it. */
export interface StoredTable {
  /** May have a schema before it: `a.orders` is given as `["a", "orders"]`. */
  readonly name: string | readonly [schema: string, table: string];
  /** Absolute. */
  readonly path: string;
}

/** The connections a statement may name, and what they hold. */
export interface Federation {
  readonly connections: readonly string[];
  /** What the statement's parameters stand for. */
  readonly params: Params;
  readonly signal: AbortSignal;
  /** The fact of that name of a connection's engine. */
  strict(connection: string): boolean;
  /** A table as its connection's catalog has it, with its columns. Rejects when there is none. */
  table(connection: string, path: readonly string[]): Promise<CatalogObject>;
}

/** What a statement over several connections asks of each, and what is left to do with the answers. */
export interface FederatedPlan {
  readonly parts: readonly FederatedPart[];
  /** The statement over the parts, each under its `name`; every condition is still in it. */
  readonly sql: string;
}

export interface FederatedPart {
  /** As `sql` calls it. */
  readonly name: readonly [schema: string, table: string];
  readonly connection: string;
  /** As `Federation.table` gave it. */
  readonly table: CatalogObject;
  /** Those that are needed, in the table's order. */
  readonly columns: readonly string[];
  /** What each row must meet, all of it. Rows that do not meet it are not needed; that some come all the same does no harm. */
  readonly where: readonly PushedCondition[];
}

/** A condition every engine understands in the same way, for values of the column's own type: numbers, or texts that need no escape but a doubled quote. */
export interface PushedCondition {
  readonly column: string;
  /** What its values are: integers are numbers, the others texts. */
  readonly type: "integer" | "decimal" | "text" | "date" | "timestamp";
  readonly op: "=" | "<" | "<=" | ">" | ">=" | "in" | "is null" | "is not null";
  readonly values: readonly Value[];
}

/** A role, or account, that is to read and do nothing else. */
export interface RoleRequest {
  /** Letters, digits and `_`. */
  readonly role: string;
  readonly target: Target;
  /** Without `columns` all of them. */
  readonly tables: readonly (ObjectName & { readonly columns?: readonly string[] })[];
  /** True when nothing of the target is left out. */
  readonly whole: boolean;
}

export interface QueryOptions {
  /** Stops the engine at any moment, before or during the rows. */
  readonly signal: AbortSignal;
  /** Rows per batch, at most. */
  readonly batchSize: number;
  /** The statement runs as if these were all there is; only for a connection that has `render`. */
  readonly restrictions?: readonly RelationRestriction[];
}

export interface CopyOptions extends QueryOptions {
  /** `any`: truths may also be `t` and `f`, and floats in any form that reads back exactly; for readers that are programs. */
  readonly spelling?: "any";
}

/** Positional parameters, or named ones (names without their prefix). */
export type Params = readonly Value[] | Readonly<Record<string, Value>>;

/** One statement as the engine itself classifies it. What it cannot read is `unknown`, which counts as a write. */
export interface Statement {
  readonly kind: "read" | "write" | "schema" | "session" | "admin" | "unknown";
  /** Absent when the driver has no analyzer: then nothing finer than the kind can be decided. */
  readonly analysis?: Analysis;
}

/** Whether one attempted write was stopped, and by what. */
export interface ReadOnlyAttempt {
  readonly attempt: string;
  readonly refused: boolean;
  readonly by?: string;
}

/** `verified`: every attempt was refused. `role-limited`: only the role's rights stop writes. `UNVERIFIED`: one got through. */
export interface ReadOnlyProof {
  readonly state: "verified" | "role-limited" | "UNVERIFIED";
  readonly attempts: readonly ReadOnlyAttempt[];
}

export interface ExplainOptions extends QueryOptions {
  /** True runs the statement and measures it; allowed for reads only. */
  readonly analyze: boolean;
}

/** Writes the result of one read to `path` (which does not exist yet) in the engine's own fastest way, and tells its columns if it can. */
export type FileWriter = (
  sql: string,
  params: Params,
  path: string,
  options: { readonly signal: AbortSignal; readonly restrictions?: readonly RelationRestriction[] },
) => Promise<{ readonly rows: number; readonly columns?: readonly Column[] }>;

export interface BeginOptions {
  readonly signal: AbortSignal;
  readonly readOnly: boolean;
  /** Absent means the engine's own default. */
  readonly isolation?: "read committed" | "repeatable read" | "serializable";
}

/**
 * A transaction that spans calls. While it lives its connection runs nothing else, but analyzes,
 * seeing what the transaction did, and answers a ping. Disposing it without
 * `commit` rolls back; a lost connection has rolled back already. After either, every method rejects.
 */
export interface Transaction extends AsyncDisposable {
  query(sql: string, params: Params, options: QueryOptions): Promise<RowStream>;
  /** Rejects when the engine could not commit; nothing was kept then. */
  commit(signal: AbortSignal): Promise<void>;
  rollback(): Promise<void>;
}

/** How one connection reads parts of a split table. Until it is disposed the connection runs nothing else. */
export interface PartReader extends AsyncDisposable {
  /** One part as CSV bytes; the part before was read to its end. */
  copyPart(part: number): AsyncIterable<Uint8Array>;
  /** Rows of all parts so far. */
  readonly rows: number;
}

/** A whole table split into parts, as it was at one moment; parts joined one after the other, from 0, are the table in its own order. */
export interface SplitTable extends PartReader {
  readonly columns: readonly Column[];
  readonly parts: number;
  /** The moment and the parts, for other connections of the same driver; good until this reader is disposed. */
  readonly token: string;
}

/** A file as it was found when a session opened it. */
export interface HeldFile {
  readonly path: string;
  /** Device and inode, as `dev:ino`. */
  readonly identity: string;
}

/** One session with an engine. Runs one query at a time; whoever opened it disposes it. */
export interface Connection extends AsyncDisposable {
  /** Runs exactly one statement, over a path on which the engine itself refuses a second one. */
  query(sql: string, params: Params, options: QueryOptions): Promise<RowStream>;
  /** Splits and classifies with the engine's own grammar; runs nothing. Text without a statement gives an empty list. */
  analyze(sql: string, signal?: AbortSignal): Promise<readonly Statement[]>;
  /**
   * The statement as the engine would get it under these restrictions; runs nothing. Its presence is the
   * capability: `query`, `explain`, `copyOut` and `fileWriters` then honour `restrictions`.
   */
  render?(sql: string, restrictions: readonly RelationRestriction[], signal: AbortSignal): Promise<string>;
  /** What the engine estimates the statement to cost, in its own unit; runs nothing. */
  cost?(sql: string, params: Params, options: QueryOptions): Promise<number>;
  /** The engine's plan as text, one line per step. */
  explain(sql: string, params: Params, options: ExplainOptions): Promise<string>;
  readonly catalog: Catalog;
  /** Rejects when the session is no longer usable. */
  ping(signal: AbortSignal): Promise<void>;
  /** True once the session is known to be gone; the pool then opens another instead of lending this one. */
  readonly ended?: boolean;
  /** The one file the session reads. Once something else, or nothing, is at its path, the pool opens another session. */
  readonly file?: HeldFile;
  /** Tries to write in every way the engine knows and reports what was refused; leaves nothing behind. */
  proveReadOnly(signal: AbortSignal): Promise<ReadOnlyProof>;
  /** Formats the engine can write by itself, by name (`parquet`). A key's presence is the capability. */
  readonly fileWriters?: Readonly<Record<string, FileWriter>>;
  /** Begins a transaction that outlives a call. */
  begin?(options: BeginOptions): Promise<Transaction>;
  /** Takes back whatever a caller left on the session (settings, temporary tables, locks, an open transaction); rejects when it cannot. */
  reset?(signal: AbortSignal): Promise<void>;
  /** Splits a table for export over several connections; `undefined` when it is no plain table, too small, or has values that need another way out. */
  split?(table: ObjectName, options: Pick<CopyOptions, "signal" | "spelling">): Promise<SplitTable | undefined>;
  /** Reads parts of a table that another connection split; rejects, rather than wait for long, when it cannot. */
  joinSplit?(token: string, signal: AbortSignal): Promise<PartReader>;
  /** The engine's own fastest way out as CSV bytes. */
  copyOut?(sql: string, params: Params, options: CopyOptions): Promise<CsvStream>;
}

/** A result as CSV bytes without the header line, in the form `core/export/csv.ts` describes; no chunk ends inside a row. One reader, one pass, like `RowStream`. */
export interface CsvStream extends AsyncIterable<Uint8Array>, AsyncDisposable {
  readonly columns: readonly Column[];
  /** Rows so far; all of them once the stream has ended. */
  readonly rows: number;
}
