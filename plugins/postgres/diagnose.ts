import type { Diagnosis, ProblemCode } from "../../core/contract/problem.ts";
import { ofPooler } from "./poolers.ts";
import { carried } from "./refusal.ts";
import { isServerError, isSeveral, type LocatedError } from "./statement/describe.ts";
import { ofTls } from "./wire/tls-errors.ts";

interface Reading {
  readonly code: ProblemCode;
  readonly message?: string;
  readonly hint?: string;
  readonly retryable?: boolean;
}

const openForWriting = "Open the connection for writing";
const again = "Run it again";

/** SQLSTATEs, whole or by their first two letters: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const readings: Readonly<Record<string, Reading>> = {
  "08": { code: "CONNECTION_FAILED", hint: again, retryable: true },
  "0A": { code: "UNSUPPORTED" },
  "22": { code: "SQL_INVALID" },
  "23": { code: "CONSTRAINT_VIOLATED" },
  "25": { code: "CONFLICT" },
  "25001": { code: "UNSUPPORTED", hint: "Run it in a call of its own, outside the transaction" },
  "25P02": { code: "CONFLICT", message: "The transaction has failed", hint: "Roll it back and begin another" },
  "25006": { code: "POLICY_DENIED", message: "Cannot write: the connection is read-only", hint: openForWriting },
  "25P03": { code: "TIMEOUT", message: "The transaction was idle for too long and was ended", hint: again },
  "28": { code: "CREDENTIALS_REJECTED", hint: "Check the user and pg_hba.conf" },
  "28P01": { code: "CREDENTIALS_REJECTED", hint: "Check the user and the password" },
  "28000": { code: "CREDENTIALS_REJECTED", hint: "Check the user, and that pg_hba.conf lets it in from here" },
  "3D": { code: "NOT_FOUND", hint: "Name a database that is there: psql -l lists them" },
  "40": { code: "CONFLICT", hint: again, retryable: true },
  "42": { code: "SQL_INVALID" },
  "42501": { code: "FORBIDDEN", hint: "Ask for the right, or use another role" },
  "44": { code: "CONSTRAINT_VIOLATED" },
  "53": { code: "CONNECTION_FAILED", hint: "Try again when the server has room", retryable: true },
  "53300": {
    code: "CONNECTION_FAILED",
    message: "The server has too many connections",
    hint: "Wait, close others, or use a pooler",
    retryable: true,
  },
  "54": { code: "LIMIT_EXCEEDED", hint: "Make the statement smaller" },
  "55": { code: "CONFLICT" },
  "55P03": { code: "CONFLICT", message: "A lock was not free in time", hint: again, retryable: true },
  "57": { code: "CONNECTION_FAILED", hint: again, retryable: true },
  "57014": { code: "CANCELLED", message: "The statement was cancelled at the server", hint: again },
  "57P01": { code: "CONNECTION_FAILED", message: "The server ended the connection", hint: again, retryable: true },
  "57P03": { code: "CONNECTION_FAILED", message: "The server is starting or stopping", hint: "Try again in a moment", retryable: true },
  "58": { code: "CONNECTION_FAILED", hint: "Look into the server's log" },
  F0: { code: "CONNECTION_FAILED", hint: "Look into the server's log" },
  P0: { code: "SQL_INVALID" },
  XX: { code: "CONNECTION_FAILED", hint: "Look into the server's log" },
};

/** Errors of sockets and of TLS, by their code. */
const network: Readonly<Record<string, { readonly message: string; readonly hint: string; readonly retryable?: boolean }>> = {
  ECONNREFUSED: {
    message: "Nothing answers at this host and port",
    hint: "Check that PostgreSQL runs there, and that it listens on this address",
  },
  ENOENT: {
    message: "There is no PostgreSQL socket in this folder",
    hint: "Check the folder and the port: unix_socket_directories names it",
  },
  EACCES: { message: "The PostgreSQL socket may not be opened", hint: "Check the permissions of its folder" },
  ENOTFOUND: { message: "The host name is unknown", hint: "Check the host name" },
  EAI_AGAIN: { message: "The host name could not be looked up", hint: "Check the network and the host name" },
  ETIMEDOUT: { message: "The server gave no answer", hint: "Check host, port and firewall" },
  EHOSTUNREACH: { message: "The server cannot be reached", hint: "Check host, port and network" },
  ENETUNREACH: { message: "The server's network cannot be reached", hint: "Check the network" },
  ECONNRESET: { message: "The connection to PostgreSQL was cut", hint: again },
  EPIPE: { message: "The connection to PostgreSQL was cut", hint: again },
};

/** Reads an error of the server, of the network, of postgres.js, or one this driver made. */
export function diagnose(error: unknown): Diagnosis | undefined {
  const own = carried(error);
  if (own !== undefined) return own;
  if (isServerError(error)) return ofServer(error);
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: string };
  if (typeof code !== "string" || !(error instanceof Error)) return undefined;
  const known = network[code];
  if (known !== undefined) return { code: "CONNECTION_FAILED", retryable: true, ...known };
  const secured = ofTls(code, message ?? code);
  if (secured !== undefined) return secured;
  if (/^(?:CONNECTION_(?:CLOSED|ENDED|DESTROYED)|CONNECT_TIMEOUT)$/.test(code)) {
    return { code: "CONNECTION_FAILED", message: "The server closed the connection", hint: again, retryable: true };
  }
  return undefined;
}

function ofServer(error: LocatedError): Diagnosis {
  if (isSeveral(error)) {
    return { code: "SQL_INVALID", message: "The text holds more than one statement", hint: "Send each statement in a call of its own" };
  }
  if (error.code === "57014" && /statement timeout/.test(error.message)) {
    return {
      code: "TIMEOUT",
      message: "The statement ran longer than statement_timeout allows",
      hint: "Narrow the query, or raise statement_timeout",
    };
  }
  const told = ofPooler(error) ?? ofStart(error);
  if (told !== undefined) return told;
  const { code, message, hint, retryable } = readings[error.code] ?? readings[error.code.slice(0, 2)] ?? { code: "SQL_INVALID" };
  const missing = missingOf(error);
  // The server names what is near whoever asks; core does it by what the caller may know.
  const own = /^Perhaps you meant/.test(error.hint ?? "") ? undefined : error.hint;
  const advice = hint ?? (own === undefined ? undefined : sentence(own));
  return {
    code,
    message: message ?? sentence(error.message),
    ...(advice !== undefined && { hint: advice }),
    ...(retryable !== undefined && { retryable }),
    ...(error.offset !== undefined && { position: error.offset }),
    ...(missing !== undefined && { missing, missingKind: error.code === "42P01" ? "object" : "column" }),
  };
}

/** What is known better than the error's class tells, when a connection is begun. */
function ofStart({ code, message }: LocatedError): Diagnosis | undefined {
  if (code === "53300" && /for (?:role|database)/.test(message)) {
    return {
      code: "CONNECTION_FAILED",
      message: sentence(message),
      hint: "Wait, close others of it, or raise its CONNECTION LIMIT",
      retryable: true,
    };
  }
  if (code === "42704" && /^unrecognized configuration parameter/.test(message)) {
    return { code: "UNSUPPORTED", message: sentence(message), hint: "Leave it out of options, or connect to PostgreSQL 12 or newer" };
  }
  if (code === "28000" && /connection requires a valid client certificate|certificate authentication failed/.test(message)) {
    return {
      code: "CREDENTIALS_REJECTED",
      message: sentence(message),
      hint: "Give a certificate made out to this user with sslcert and sslkey",
    };
  }
  if (/^28/.test(code) && /channel binding/.test(message)) {
    return {
      code: "CREDENTIALS_REJECTED",
      message: "Something between here and the server answers in its name, and passes the login on",
      hint: "Check host and port; where a proxy of your own ends TLS, use channel_binding=disable",
    };
  }
  return undefined;
}

/** The name an undefined table (42P01) or column (42703) has in the server's message. */
function missingOf({ code, message }: LocatedError): string | undefined {
  if (code !== "42P01" && code !== "42703") return undefined;
  return /"([^"]+)"/.exec(message)?.[1] ?? /column ([^\s"]+) does not exist/.exec(message)?.[1];
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1).replace(/[.\s]+$/, "");
}
