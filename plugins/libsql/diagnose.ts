import type { Diagnosis } from "../../core/contract/problem.ts";
import { type EngineError, isEngineError } from "./engine-error.ts";
import { absentIn, missingName } from "./missing.ts";
import { isRefusal } from "./refusal.ts";

/** SQLite's result codes, the ones a caller can do something about. */
export const code = {
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
  auth: 23,
  notadb: 26,
};

const raisedByTrigger = 1811;

const readOnlyHint = "Open the connection for writing";

const diagnoses: Readonly<Record<number, Diagnosis>> = {
  [code.perm]: { code: "CONNECTION_FAILED", message: "Access to the database file is denied", hint: "Check the file's permissions" },
  [code.busy]: {
    code: "CONNECTION_FAILED",
    message: "The database is locked by another connection",
    hint: "Run it again; for a file, wait longer for the lock, for example 20 seconds: libsql:shop.db?busy_timeout=20000",
    retryable: true,
  },
  [code.locked]: { code: "CONNECTION_FAILED", message: "A table is locked by this connection", hint: "Run it again", retryable: true },
  [code.nomem]: { code: "LIMIT_EXCEEDED", message: "The engine is out of memory", hint: "Read less at once" },
  [code.readonly]: { code: "POLICY_DENIED", message: "Cannot write: the connection is read-only", hint: readOnlyHint },
  [code.auth]: {
    code: "POLICY_DENIED",
    message: "The engine does not allow this statement",
    hint: "Write it without what the engine forbids",
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
  [code.toobig]: { code: "LIMIT_EXCEEDED", message: "A text or blob is larger than the engine allows", hint: "Make the value smaller" },
  [code.notadb]: {
    code: "INPUT_INVALID",
    message: "The file is not a libSQL database",
    hint: "Check the path; an encrypted database needs the option encryptionKey",
  },
};

/** Reads an error of the engine, native or a server's, or one this driver made. */
export function diagnose(error: unknown): Diagnosis | undefined {
  if (isRefusal(error)) return error.diagnosis;
  if (!isEngineError(error)) return undefined;
  const { message, result, position } = error;
  const primary = result & 0xff;
  if (primary === code.constraint) return { code: "CONSTRAINT_VIOLATED", message: constraintText(error) };
  if (primary === code.mismatch) return { code: "CONSTRAINT_VIOLATED", message: sentence(message) };
  return diagnoses[primary] ?? { ...invalidSql(message), ...(position !== undefined && { position }) };
}

/** What an engine error means on a connection that may write: its user may not. */
export function diagnoseWrite({ result }: EngineError): Diagnosis | undefined {
  if (![code.readonly, code.perm, code.cantopen].includes(result & 0xff)) return undefined;
  return {
    code: "CONNECTION_FAILED",
    message: "Cannot write: this user may not write to the database file, or not to its folder",
    hint: "Run as a user who may write to both: the engine keeps its journal beside the file",
    retryable: false,
  };
}

/** A trigger's RAISE says what its author wrote, and that stays as it is. */
function constraintText({ result, message }: EngineError): string {
  return result === raisedByTrigger ? `A trigger refused this: "${message}"` : sentence(message);
}

function invalidSql(message: string): Diagnosis {
  const near = /^near "([\s\S]*)": syntax error$/.exec(message)?.[1];
  if (near !== undefined) return { code: "SQL_INVALID", message: `Syntax error near "${near}"` };
  if (message === "incomplete input") return { code: "SQL_INVALID", message: "The SQL ends too early", hint: "Complete the statement" };
  const token = /^unrecognized token: "([\s\S]*)"$/.exec(message)?.[1];
  if (token !== undefined) return { code: "SQL_INVALID", message: `Syntax error: "${token}" is not a word libSQL knows` };
  if (/^(?:recursion limit|parser stack overflow|expression tree is too large)/i.test(message))
    return { code: "SQL_INVALID", message: "The SQL is nested too deeply for libSQL", hint: "Split the statement, or nest less in it" };
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
