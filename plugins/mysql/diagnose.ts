import type { Diagnosis } from "../../core/contract/problem.ts";
import { byNumber, byState } from "./error-numbers.ts";
import { isRefusal } from "./refusal.ts";
import type { Piece } from "./sql/statements.ts";
import { isServerError, type ServerError } from "./wire/protocol.ts";

interface Located extends ServerError {
  readonly position?: number;
}

/** Reads an error of the server, as this driver or mysql2 received it, or one this driver made. */
export function diagnose(error: unknown): Diagnosis | undefined {
  if (isRefusal(error)) return error.diagnosis;
  const server = isServerError(error) ? error : duringHandshake(error);
  if (server === undefined) return undefined;
  const known = byNumber[server.errno] ?? byState[server.sqlState.slice(0, 2)] ?? ofFiles(server) ?? { code: "SQL_INVALID" };
  const read = special[server.errno]?.(server) ?? {};
  return { message: sentence(withoutValues(server.message)), ...known, ...read };
}

/** Numbers below 1000 tell of the server's own files, which a statement with too much to sort fills. */
function ofFiles({ errno, message }: ServerError): Diagnosis | undefined {
  if (errno >= 1000) return undefined;
  const full = byNumber[1021];
  return full?.message !== undefined && /No space left/.test(message)
    ? { ...full, message: full.message }
    : { code: "CONNECTION_FAILED", message: "The server cannot use one of its files", hint: "Look into the server's log" };
}

/** mysql2 reports what the server says before it is logged in, with a state of its own. */
function duringHandshake(error: unknown): ServerError | undefined {
  if (!(error instanceof Error) || !("errno" in error) || typeof error.errno !== "number" || error.errno < 1000) return undefined;
  return Object.assign(new Error(error.message), { errno: error.errno, sqlState: "sqlState" in error ? String(error.sqlState) : "HY000" });
}

const special: Readonly<Record<number, (error: Located) => Partial<Diagnosis>>> = {
  1064: ({ message, position }) => {
    const near = /near '([\s\S]*)' at line \d+$/.exec(message)?.[1] ?? "";
    const text =
      near === ""
        ? { message: "The SQL ends too early", hint: "Complete the statement" }
        : { message: `Syntax error near "${firstWords(near)}"` };
    return { ...text, ...(position !== undefined && { position }) };
  },
  1146: ({ message }) => missing(message, /Table '([\s\S]*)' doesn't exist/, "Table"),
  1051: ({ message }) => missing(message, /Unknown table '([\s\S]*)'$/, "Table"),
  1054: ({ message }) => missing(message, /Unknown column '([\s\S]*)' in/, "Column"),
  1226: ({ message }) => {
    const limit = /the '(\w+)' resource/.exec(message)?.[1];
    return limit === undefined ? {} : { message: `The user has used up a limit of its account: ${limit}` };
  },
  1305: ({ message }) => {
    const [, what = "Routine", name = ""] = /^(\w+) ([\s\S]*) does not exist/.exec(message) ?? [];
    return { message: `${what.charAt(0)}${what.slice(1).toLowerCase()} "${lastPart(name)}" does not exist` };
  },
  1062: ({ message }) => {
    const key = /for key '([\s\S]*)'$/.exec(message)?.[1];
    return { message: key === undefined ? "A value is there already" : `A value of the unique key "${lastPart(key)}" is there already` };
  },
};

/** Finds the place a syntax error names: the server quotes the text from there on, up to 80 bytes of it. */
export function located(error: unknown, { sql, offset }: Piece): unknown {
  if (!isServerError(error) || error.errno !== 1064) return error;
  const [, near = ""] = /near '([\s\S]*)' at line \d+$/.exec(error.message) ?? [];
  const start = near.slice(0, 40);
  const at = sql.endsWith(near) ? sql.length - near.length : sql.indexOf(start);
  const isCertain = sql.endsWith(near) || (at >= 0 && sql.indexOf(start, at + 1) < 0);
  return isCertain ? Object.assign(error, { position: offset + at }) : error;
}

function missing(message: string, pattern: RegExp, what: "Table" | "Column"): Partial<Diagnosis> {
  const name = pattern.exec(message)?.[1];
  if (name === undefined) return {};
  return {
    message: `${what} "${lastPart(name)}" does not exist`,
    missing: lastPart(name),
    missingKind: what === "Column" ? "column" : "object",
  };
}

/** The server writes `database.table` and `table.column` without quotes. */
function lastPart(name: string): string {
  return name.slice(name.indexOf(".") + 1);
}

function firstWords(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`;
}

/** What a row holds belongs to no message. */
function withoutValues(message: string): string {
  return message
    .replace(/((?:value|entry):?) '[\s\S]*?' for (column|key|function)/i, "$1 for $2")
    .replace(/^(Truncated incorrect \S+ value|Incorrect \S+ value): '[\s\S]*'$/, "$1")
    .replace(/^(\S+ value is out of range) in '[\s\S]*'$/, "$1");
}

function sentence(text: string): string {
  const quoted = text.replace(/(?<![A-Za-z])'([^']*)'/g, '"$1"').replace(/[.\s]+$/, "");
  return /^[A-Z"`[]/.test(quoted) ? quoted : quoted.charAt(0).toUpperCase() + quoted.slice(1);
}
