import type { Diagnosis } from "../../../core/contract/problem.ts";
import { type EngineError, offsetIn, readEngineError } from "./engine-error.ts";
import { diagnoseFile } from "./file-errors.ts";
import { carried } from "./refusal.ts";

/** Reads an error of the engine or of this driver. */
export function diagnose(error: unknown): Diagnosis | undefined {
  const found = carried(error);
  if (found !== undefined) return found;
  const read = readEngineError(error);
  return read && explain(read);
}

/**
 * Gives an engine's error its diagnosis while the SQL is at hand: only then can the position be told.
 * `added` is how much of `sql` the driver itself put before the caller's text.
 */
export function located(error: unknown, sql: string, added = 0): unknown {
  const read = carried(error) === undefined ? readEngineError(error) : undefined;
  const diagnosis = read && explain(read);
  if (read === undefined || diagnosis === undefined) return error;
  const position = offsetIn(sql, read);
  return Object.assign(error as Error, {
    diagnosis: position === undefined || position < added ? diagnosis : { ...diagnosis, position: position - added },
  });
}

/** The same error of a text that has `before` characters more in front. */
export function shifted(error: unknown, before: number): unknown {
  const diagnosis = carried(error);
  if (diagnosis?.position === undefined) return error;
  return Object.assign(error as Error, { diagnosis: { ...diagnosis, position: diagnosis.position + before } });
}

function explain(error: EngineError): Diagnosis | undefined {
  return diagnoseFile(error) ?? byType[error.type]?.(error);
}

const byType: Readonly<Record<string, (error: EngineError) => Diagnosis | undefined>> = {
  Parser: ({ message }) => unparsable(message),
  Syntax: wrongSql,
  Catalog: missingEntry,
  Binder: (error) => missingColumn(error) ?? noSuchCall(error) ?? wrongSql(error),
  Conversion: conversion,
  "Mismatch Type": conversion,
  "Invalid Input": (error) => readOnly(error) ?? locked(error) ?? wrongSql(error),
  "Out of Range": ({ message }) => ({ code: "SQL_INVALID", message: sentence(message.replace(/\s*\([^)]*\)/g, "")) }),
  Constraint: constraint,
  "Out of Memory": outOfMemory,
  Permission: permission,
  TransactionContext: (error) =>
    readOnly(error) ?? { code: "CONFLICT", message: sentence(error.message), retryable: true, hint: "Run the statement again" },
  INTERRUPT: () => ({ code: "CANCELLED", message: "The statement was stopped" }),
  "Not implemented": ({ message }) => ({ code: "UNSUPPORTED", message: `DuckDB does not do this: ${lower(sentence(message))}` }),
  "Extension Autoloading": needsExtension,
  "Missing Extension": needsExtension,
  Connection: () => ({ code: "CONNECTION_FAILED", message: "The connection to DuckDB is closed", retryable: true }),
  FATAL: () => ({
    code: "CONNECTION_FAILED",
    message: "DuckDB gave this database up after an error of its own",
    hint: "Open the connection again",
    retryable: true,
  }),
  "Divide by Zero": wrongSql,
  "Parameter Not Allowed": wrongSql,
  "Parameter Not Resolved": wrongSql,
  Decimal: wrongSql,
  Sequence: wrongSql,
  Dependency: wrongSql,
  Settings: wrongSql,
  "Invalid Configuration": wrongSql,
};

/** What the parser says of a text. */
export function unparsable(message: string): Diagnosis {
  return tooDeep(message) ?? { code: "SQL_INVALID", message: upper(sentence(message)) };
}

/** Text that starts in lower case may be the statement's own, from `error()`: it stays as it was written. */
function wrongSql(error: EngineError): Diagnosis {
  const text = sentence(error.message);
  return tooDeep(error.message) ?? { code: "SQL_INVALID", message: /^\p{Lu}/u.test(text) ? text : `The statement fails: ${text}` };
}

/** The engine's own advice is a setting, and settings are locked. */
function tooDeep(message: string): Diagnosis | undefined {
  const limit = /^Max expression depth limit of (\d+) exceeded/.exec(message)?.[1];
  if (limit === undefined) return undefined;
  return {
    code: "SQL_INVALID",
    message: `An expression is nested deeper than ${limit} levels`,
    hint: "Nest less: for example, replace a chain of OR by IN",
  };
}

function missingEntry(error: EngineError): Diagnosis {
  const { message, name, kind, subtype } = error;
  const extension = /exists in the (\w+) extension/.exec(message)?.[1];
  if (extension !== undefined) return foreignExtension(extension);
  const placed = /^Table with name "((?:[^"]|"")*)" does not exist because schema/.exec(message)?.[1];
  if (placed !== undefined) return { ...wrongSql(error), missing: placed, missingKind: "object" };
  if (name === undefined || subtype !== "MISSING_ENTRY") return wrongSql(error);
  const what = kind?.endsWith("Function") ? "Function" : (kind ?? "Object");
  const isObject = what === "Table" || what === "View";
  return {
    code: "SQL_INVALID",
    message: `${what} "${name}" does not exist`,
    ...(isObject ? { missing: name, missingKind: "object" } : nearby(error)),
  };
}

function missingColumn(error: EngineError): Diagnosis | undefined {
  const column =
    error.subtype === "COLUMN_NOT_FOUND"
      ? error.name
      : (/does not have a column (?:named|with name) "((?:[^"]|"")*)"/.exec(error.message)?.[1] ??
        /^Column "((?:[^"]|"")*)" does not exist on (?:left|right) side of join/.exec(error.message)?.[1]);
  if (column !== undefined)
    return { code: "SQL_INVALID", message: `Column "${column}" does not exist`, missing: column, missingKind: "column", ...nearby(error) };
  const table = /^Referenced table "((?:[^"]|"")*)" not found/.exec(error.message)?.[1];
  if (table === undefined) return undefined;
  return { code: "SQL_INVALID", message: `Table or alias "${table}" is not in the FROM clause`, missing: table, ...nearby(error) };
}

/** The names the engine offers: it lists them in quotes behind the first line. */
function nearby({ message, candidates }: EngineError): { readonly hint?: string } {
  const listed = [...message.slice(message.indexOf("\n") + 1).matchAll(/"((?:[^"]|"")*)"/g)].map(([, name]) => name as string);
  const names = (message.includes("\n") ? listed : (candidates?.split(", ") ?? []))
    .filter((name) => !/^(pg|duckdb|sqlite)_/.test(name))
    .slice(0, 3);
  return names.length === 0 ? {} : { hint: `Did you mean ${names.map((name) => `"${name}"`).join(" or ")}?` };
}

function noSuchCall({ call, candidates, message }: EngineError): Diagnosis | undefined {
  const asked = call ?? /argument types '(.*?)'/.exec(message)?.[1];
  if (asked === undefined) return undefined;
  const known = (candidates ?? message.split("\n").slice(2).join(",").replaceAll("\t", ""))
    .split(/,\s*(?=[^\s,(]+\()/)
    .filter((form) => form.trim() !== "");
  const forms = known.slice(0, 3).map((form) => form.replace(/,$/, "").trim());
  return {
    code: "SQL_INVALID",
    message: `No function fits ${asked}`,
    ...(forms.length > 0 && { hint: `Cast the arguments for one of: ${forms.join("; ")}` }),
  };
}

/** The engine quotes the value itself here; it may come from a row. */
function conversion({ message }: EngineError): Diagnosis {
  const wanted = /^.*(?:\bto '?|destination type )([A-Z]\w*(?:\([\d, ]*\))?)'?(?: when casting from source column .*)?\s*$/.exec(
    firstLine(message),
  )?.[1];
  return {
    code: "SQL_INVALID",
    message: wanted === undefined ? "A value does not have the form its type needs" : `A value cannot be converted to ${wanted}`,
    hint: "Use TRY_CAST to get NULL instead",
  };
}

function constraint({ message }: EngineError): Diagnosis {
  const text = /^(?:PRIMARY KEY or UNIQUE|Duplicate key)/i.test(message)
    ? "A row with the same primary key or unique value exists"
    : /foreign key/i.test(message)
      ? `A foreign key leads nowhere, or something still leads here`
      : sentence(message);
  return { code: "CONSTRAINT_VIOLATED", message: text };
}

function outOfMemory({ message }: EngineError): Diagnosis {
  const limit = /\/([\d.]+ \w+) used/.exec(message)?.[1];
  return {
    code: "LIMIT_EXCEEDED",
    message: `The statement needs more memory than its limit${limit === undefined ? "" : ` of ${limit}`}`,
    hint: "Aggregate or filter earlier, or raise the limit with memory_limit=8GB in the target",
  };
}

function readOnly({ message }: EngineError): Diagnosis | undefined {
  const statement = /^Cannot execute statement of type "([\w ]+)".*read-only mode/.exec(message)?.[1];
  if (statement === undefined && !message.includes("launched in read-only mode")) return undefined;
  return readOnlyDiagnosis(statement);
}

/** What a statement that is not a read hears on a read-only connection. */
export function readOnlyDiagnosis(statement = "a statement that writes"): Diagnosis {
  return {
    code: "POLICY_DENIED",
    message: `Cannot run ${statement}: the connection is read-only`,
    hint: "Write a SELECT, or open the connection for writing on purpose",
  };
}

function locked({ message }: EngineError): Diagnosis | undefined {
  const setting = /option "(\w+)" - the configuration has been locked/.exec(message)?.[1];
  if (setting === undefined) return undefined;
  return {
    code: "POLICY_DENIED",
    message: `Cannot change the setting "${setting}": settings are locked`,
    hint: "Leave the setting as it is",
  };
}

function permission({ message }: EngineError): Diagnosis {
  const path = /(?:file|directory) "(.*?)"/.exec(message)?.[1];
  if (path === undefined) return { code: "POLICY_DENIED", message: sentence(message), hint: "Use what DuckDB has built in" };
  return {
    code: "POLICY_DENIED",
    message: `Cannot reach "${path}": only the files of the connection are open to SQL`,
    hint: "Name the file as a connection of its own",
  };
}

function needsExtension({ message }: EngineError): Diagnosis {
  return foreignExtension(/extension '?"?(\w+)/.exec(message)?.[1] ?? "unknown");
}

function foreignExtension(name: string): Diagnosis {
  return {
    code: "UNSUPPORTED",
    message: `This needs the DuckDB extension "${name}", which is not part of tidegate`,
    hint: "Use what DuckDB has built in",
  };
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] as string;
}

/** The first line without the marks that end a sentence. */
export function sentence(text: string): string {
  return firstLine(text.trim()).replace(/[.!:\s]+$/, "");
}

function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function lower(text: string): string {
  return /^\p{Lu}\p{Ll}/u.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}
