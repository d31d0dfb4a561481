import type { Diagnosis } from "../../core/contract/problem.ts";
import { absentIn, missingName, positionOf } from "./locate.ts";
import { isRefusal } from "./refusal.ts";

interface SqliteError extends Error {
  readonly code: string;
  readonly errcode?: number;
}

/** SQLite's result codes, the ones a caller can do something about. */
const code = {
  error: 1,
  perm: 3,
  busy: 5,
  locked: 6,
  nomem: 7,
  readonly: 8,
  ioerr: 10,
  corrupt: 11,
  full: 13,
  cantopen: 14,
  schema: 17,
  toobig: 18,
  constraint: 19,
  mismatch: 20,
  misuse: 21,
  auth: 23,
  notadb: 26,
};

const raisedByTrigger = 1811;

/** Deno leaves the code out of some errors, and puts its own in others: then the message tells. */
const messages: readonly (readonly [RegExp, number])[] = [
  [/^database is locked/, code.busy],
  [/^database (?:schema|table) is locked/, code.locked],
  [/^attempt to write a readonly database/, code.readonly],
  [/^(?:not authorized|authorization denied)|is prohibited$/, code.auth],
  [/constraint failed/, code.constraint],
  [/^datatype mismatch/, code.mismatch],
  [/^(?:database disk image is malformed|malformed database schema)/, code.corrupt],
  [/^file is not a database/, code.notadb],
  [/^unable to open database/, code.cantopen],
  [/^database or disk is full/, code.full],
  [/^disk I\/O error/, code.ioerr],
  [/^out of memory/, code.nomem],
  [/^string or blob too big/, code.toobig],
];

const diagnoses: Readonly<Record<number, Diagnosis>> = {
  [code.perm]: { code: "CONNECTION_FAILED", message: "Access to the database file is denied", hint: "Check the file's permissions" },
  [code.busy]: {
    code: "CONNECTION_FAILED",
    message: "The database is locked by another connection",
    hint: "Run it again, or wait longer for the lock, for example 20 seconds: sqlite:shop.db?busy_timeout=20000",
    retryable: true,
  },
  [code.locked]: { code: "CONNECTION_FAILED", message: "A table is locked by this connection", hint: "Run it again", retryable: true },
  [code.nomem]: { code: "LIMIT_EXCEEDED", message: "SQLite is out of memory", hint: "Read less at once" },
  [code.readonly]: { code: "POLICY_DENIED", message: "Cannot write: the connection is read-only", hint: "Open the connection for writing" },
  [code.auth]: {
    code: "POLICY_DENIED",
    message: "Cannot run this statement: the connection is read-only",
    hint: "Open the connection for writing",
  },
  [code.ioerr]: {
    code: "CONNECTION_FAILED",
    message: "Cannot read or write the database file: disk I/O error",
    hint: "Check the disk and the file",
  },
  [code.corrupt]: {
    code: "CONNECTION_FAILED",
    message: "The database file is damaged",
    hint: "Restore a backup, or save what can be read with .recover in the sqlite3 shell",
    retryable: false,
  },
  [code.full]: { code: "CONNECTION_FAILED", message: "The disk is full", hint: "Free disk space and run it again", retryable: true },
  [code.cantopen]: {
    code: "CONNECTION_FAILED",
    message: "Cannot open the database file",
    hint: "Check that the file can be read, and that its folder is writable when the database uses WAL",
    retryable: false,
  },
  [code.schema]: {
    code: "CONNECTION_FAILED",
    message: "The schema changed while the statement ran",
    hint: "Run it again",
    retryable: true,
  },
  [code.toobig]: { code: "LIMIT_EXCEEDED", message: "A text or blob is larger than SQLite allows", hint: "Make the value smaller" },
  [code.notadb]: {
    code: "INPUT_INVALID",
    message: "The file is not a SQLite database",
    hint: "Check the path; an encrypted database cannot be read",
  },
};

/** Reads an error of `node:sqlite`, in Bun or in Deno, or one this driver made. */
export function diagnose(error: unknown): Diagnosis | undefined {
  if (isRefusal(error)) return error.diagnosis;
  if (!isSqliteError(error)) return undefined;
  if (error.code === "ERR_INVALID_STATE") return { code: "CONNECTION_FAILED", message: "The connection is closed", hint: "Open it again" };
  const engine = engineCode(error);
  if (engine === code.constraint) return { code: "CONSTRAINT_VIOLATED", message: constraintText(error) };
  if (engine === code.mismatch) return { code: "CONSTRAINT_VIOLATED", message: sentence(error.message) };
  const position = positionOf(error);
  return diagnoses[engine] ?? { ...invalidSql(error.message), ...(position !== undefined && { position }) };
}

function isSqliteError(error: unknown): error is SqliteError {
  return (
    error instanceof Error &&
    "code" in error &&
    (error.code === "ERR_SQLITE_ERROR" || (error.code === "ERR_INVALID_STATE" && /database is not open|finalized/.test(error.message)))
  );
}

function engineCode({ errcode, message }: SqliteError): number {
  const primary = (errcode ?? code.error) & 0xff;
  if (primary !== code.error && primary !== code.misuse) return primary;
  return messages.find(([pattern]) => pattern.test(message))?.[1] ?? code.error;
}

/** A trigger's RAISE says what its author wrote, and that stays as it is. */
function constraintText({ errcode, message }: SqliteError): string {
  return errcode === raisedByTrigger ? `A trigger refused this: "${message}"` : sentence(message);
}

/** What an engine error means on a connection that may write: its user may not. */
export function diagnoseWrite(error: unknown): Diagnosis | undefined {
  if (isRefusal(error) || !isSqliteError(error)) return undefined;
  if (![code.readonly, code.perm, code.cantopen].includes(engineCode(error))) return undefined;
  return {
    code: "CONNECTION_FAILED",
    message: "Cannot write: this user may not write to the database file, or not to its folder",
    hint: "Run as a user who may write to both: SQLite keeps its journal beside the file",
    retryable: false,
  };
}

function invalidSql(message: string): Diagnosis {
  const near = /^near "([\s\S]*)": syntax error$/.exec(message)?.[1];
  if (near !== undefined) return { code: "SQL_INVALID", message: `Syntax error near "${near}"` };
  if (message === "incomplete input") return { code: "SQL_INVALID", message: "The SQL ends too early", hint: "Complete the statement" };
  const token = /^unrecognized token: "([\s\S]*)"$/.exec(message)?.[1];
  if (token !== undefined) return { code: "SQL_INVALID", message: `Syntax error: "${token}" is not a word SQLite knows` };
  if (/^(?:recursion limit|parser stack overflow|expression tree is too large)/i.test(message))
    return { code: "SQL_INVALID", message: "The SQL is nested too deeply for SQLite", hint: "Split the statement, or nest less in it" };
  const absent = absentIn(message);
  if (absent === undefined) return { code: "SQL_INVALID", message: sentence(message) };
  const missing = missingName(message);
  return {
    code: "SQL_INVALID",
    message: `${sentence(absent.what)} "${absent.name}" does not exist`,
    ...(missing !== undefined && { missing, missingKind: absent.what === "column" ? "column" : "object" }),
  };
}

/** Only a plain word gets a capital: what else a message may start with is a name somebody gave. */
function sentence(text: string): string {
  const shown = text.replace(/[.\s]+$/, "");
  return /^[a-z]+(?= |$)/.test(shown) ? shown.charAt(0).toUpperCase() + shown.slice(1) : shown;
}
