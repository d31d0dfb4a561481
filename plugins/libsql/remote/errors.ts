import { ClosedError, ProtoError, ResponseError } from "@libsql/hrana-client";
import { code } from "../diagnose.ts";
import { engineError, isEngineError } from "../engine-error.ts";
import { isRefusal, type Refusal, refusal } from "../refusal.ts";

/** The result codes of SQLite that servers name, as far as they mean something to a caller. */
const results: Readonly<Record<string, number>> = {
  SQLITE_BUSY: code.busy,
  SQLITE_LOCKED: code.locked,
  SQLITE_NOMEM: code.nomem,
  SQLITE_READONLY: code.readonly,
  SQLITE_IOERR: code.ioerr,
  SQLITE_CORRUPT: code.corrupt,
  SQLITE_FULL: code.full,
  SQLITE_SCHEMA: code.schema,
  SQLITE_TOOBIG: code.toobig,
  SQLITE_CONSTRAINT: code.constraint,
  SQLITE_MISMATCH: code.mismatch,
  SQLITE_AUTH: code.auth,
};

const tokenHint = "Give a valid token: the option authToken, or LIBSQL_AUTH_TOKEN in the environment";

/** What a server that could not be reached tells, by the runtime's own code; nothing was sent to it then. */
const causes: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED|ConnectionRefused|refused/i, "connection refused"],
  [/ENOTFOUND|EAI_AGAIN|DNS|lookup/i, "no such host"],
  [/cert|TLS|SSL|self.signed|UNABLE_TO_VERIFY/i, "its certificate is not trusted"],
];

export function unreachable(url: string, error: unknown): Error {
  const { host } = new URL(url);
  const text = textOf(error);
  const why = causes.find(([pattern]) => pattern.test(text))?.[1];
  const lost = /ETIMEDOUT|timed? ?out/i.test(text) ? "no answer" : "the connection was lost";
  const message = `Cannot reach the server "${host}": ${why ?? lost}`;
  const found = refusal({ code: "CONNECTION_FAILED", message, hint: "Check the address, and that the server runs" }, error);
  return why === undefined ? unanswered(found) : found;
}

/** An answer with a status that says no. What the server writes is for logs: it may quote anything. */
export function refusedBy(host: string, status: number, text: string): Error {
  const cause = new Error(text.slice(0, 1000));
  if (status === 401)
    return refusal({ code: "CREDENTIALS_REJECTED", message: `The server "${host}" does not accept the token`, hint: tokenHint }, cause);
  if (status === 403) {
    const hint = "Use a token with more rights, if that is meant";
    return refusal({ code: "FORBIDDEN", message: `The token does not allow this on "${host}"`, hint }, cause);
  }
  if (status === 404 || /namespace .*(not exist|doesn't exist)/i.test(text)) {
    const hint = "Check the address, and the name of the database in it";
    return refusal({ code: "NOT_FOUND", message: `The server "${host}" has no such database`, hint }, cause);
  }
  if (/stream has expired|STREAM_EXPIRED/.test(text)) {
    const message = "The server ended the transaction, which was idle for too long";
    return refusal({ code: "CONNECTION_FAILED", message, hint: "Begin it again, and send its statements without a pause" }, cause);
  }
  if (status === 429)
    return refusal({ code: "RATE_LIMITED", message: `The server "${host}" has too many requests`, hint: "Try again later" }, cause);
  const parsing = /SQL string could not be parsed: ([^`]*)/.exec(text)?.[1];
  if (parsing !== undefined) return parseError(parsing);
  const message = `The server "${host}" failed with HTTP status ${status}`;
  return unanswered(refusal({ code: "CONNECTION_FAILED", message, hint: "Try again, and look into the server's log if it stays" }, cause));
}

const unanswered = (error: Refusal): Refusal => Object.assign(error, { unanswered: true as const });

/** The same for a request that writes: nobody but the server knows whether it did, and a second time it might do so again. */
export function writeError(error: unknown, sql: string, signal: AbortSignal): unknown {
  const found = serverError(error, sql, signal);
  if (!isRefusal(found) || !found.unanswered) return found;
  const message = "The connection was lost while writing: the server may have kept the change or not";
  return refusal({ code: "CONNECTION_FAILED", message, hint: "Look at the data before running it again", retryable: false }, found);
}

/** An error of a request, in the form this driver reads. `sql` is what an offset counts in; empty for a text the caller did not write. */
export function serverError(error: unknown, sql: string, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (isRefusal(error) || isEngineError(error)) return error;
  if (error instanceof ResponseError) return answered(error, sql);
  if (error instanceof ClosedError && error.cause !== undefined) return serverError(error.cause, sql, signal);
  if (error instanceof ProtoError) {
    const message = "The server sent a value that its protocol cannot carry exactly, such as an infinite number";
    return refusal({ code: "UNSUPPORTED", message, hint: "Cast the column to text in the query" }, error);
  }
  return connectionLost(error);
}

const lostMessage = "The connection to the server was lost";

export function connectionLost(cause?: unknown): Error {
  return unanswered(refusal({ code: "CONNECTION_FAILED", message: lostMessage, hint: "Run it again", retryable: true }, cause));
}

/** What the server answered to one statement. */
export function answered(error: { readonly message: string; readonly code?: string | undefined }, sql: string): Error {
  const { code: name = "" } = error;
  const parsing = /^SQL string could not be parsed: ([\s\S]*)/.exec(error.message)?.[1];
  if (parsing !== undefined) return parseError(parsing);
  if (/^(?:STREAM_EXPIRED|TRANSACTION_TIMEOUT|TRANSACTION_BUSY)$/.test(name))
    return refusal({ code: "CONNECTION_FAILED", message: lostMessage, hint: "Run it again", retryable: true }, error);
  if (/RESPONSE_TOO_LARGE|response is too large/i.test(`${name} ${error.message}`))
    return refusal({ code: "LIMIT_EXCEEDED", message: "The result is larger than the server sends at once", hint: "Read less at once" });
  if (/BLOCKED|FORBIDDEN|not authorized to/i.test(`${name} ${error.message}`))
    return refusal({ code: "FORBIDDEN", message: "The server does not allow this statement", hint: "Use a token with more rights" });
  const [, text = "", offset] = /^(?:SQL(?:ite)? (?:input )?error: )?([\s\S]*?)(?: \(at offset (\d+)\))?$/.exec(error.message) ?? [];
  const known = Object.keys(results).find((entry) => name === entry || name.startsWith(`${entry}_`));
  return engineError(text, known === undefined ? code.error : (results[known] ?? code.error), {
    position: characters(sql, offset),
    cause: error,
  });
}

function parseError(text: string): Error {
  const unsupported = /^unsupported statement/.test(text);
  if (!unsupported) return engineError(text, code.error);
  const message = "The server does not take this statement over its network protocol";
  return refusal({ code: "UNSUPPORTED", message, hint: "Run it where the database's file is" });
}

/** The engine counts bytes. What is no text of a caller's has no place in one. */
function characters(sql: string, offset: string | undefined): number | undefined {
  if (offset === undefined || sql === "") return undefined;
  return new TextDecoder().decode(new TextEncoder().encode(sql).subarray(0, Number(offset))).length;
}

function textOf(error: unknown): string {
  const { message = "", code: name = "", cause } = error as { message?: string; code?: string; cause?: unknown };
  return `${name} ${message} ${cause === undefined ? "" : textOf(cause)}`;
}
