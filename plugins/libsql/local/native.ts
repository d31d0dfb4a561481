import { createRequire } from "node:module";
import { join } from "node:path";
import type { Cell, Row } from "../engine.ts";

export interface NativeColumn {
  readonly name: string;
  readonly type: string | null;
  readonly database: string | null;
  readonly table: string | null;
  readonly column: string | null;
}

declare const kind: unique symbol;
export interface NativeDatabase {
  readonly [kind]: "database";
}
export interface NativeStatement {
  readonly [kind]: "statement";
}
export interface NativeRows {
  readonly [kind]: "rows";
}

/**
 * The native module of the npm package `libsql`, without the class around it: that one fetches a hundred rows
 * at a time however wide they are, and cannot end a statement early.
 */
export interface Native {
  databaseOpen(path: string, token: string, cipher: string, key: string, timeoutMillis: number, remoteKey: string): NativeDatabase;
  databaseOpenWithSync(
    path: string,
    url: string,
    token: string,
    cipher: string,
    key: string,
    periodSeconds: number,
    readYourWrites: boolean,
    offline: boolean,
    remoteKey: string,
  ): NativeDatabase;
  databaseSyncSync(this: NativeDatabase): unknown;
  databaseInTransaction(database: NativeDatabase): boolean;
  /** Ends every statement that is being read. */
  databaseInterrupt(this: NativeDatabase): void;
  databaseClose(this: NativeDatabase): void;
  /** Takes the first statement of a text and ignores the rest. */
  databasePrepareSync(this: NativeDatabase, sql: string): NativeStatement;
  /** Rows as arrays; refused for statements that give none. */
  statementRaw(this: NativeStatement, on: boolean): void;
  statementSafeIntegers(this: NativeStatement, on: boolean): void;
  statementIsReader(this: NativeStatement): boolean;
  statementColumns(this: NativeStatement): readonly NativeColumn[];
  statementRowsSync(this: NativeStatement, args: Row): NativeRows;
  /** The first row; and then, unlike anything else here, the statement is reset. */
  statementGet(this: NativeStatement, args: Row): unknown;
  statementRun(this: NativeStatement, args: Row): { readonly changes: number };
  /** Fills an array from its start; what it leaves untouched was beyond the last row. */
  rowsNext(this: NativeRows, into: (readonly Cell[] | undefined)[]): void;
}

/** Loads the engine that came with the installed plugin, or, from the sources, the one in node_modules. */
export function loadNative(folder: string | undefined): Native {
  const load = createRequire(import.meta.url);
  return load(folder === undefined ? packageName() : join(folder, "native", "libsql.node")) as Native;
}

function packageName(): string {
  const { platform, arch } = process;
  return `@libsql/${platform}-${arch}${platform === "linux" ? libc() : platform === "win32" ? "-msvc" : ""}`;
}

function libc(): string {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime === undefined ? "-musl" : "-gnu";
}
