import { readFile } from "node:fs/promises";
import { text as readAll } from "node:stream/consumers";
import type { Params } from "../core/contract/driver.ts";
import { problem } from "../core/problem.ts";
import type { Io } from "./io.ts";
import type { CommonOptions } from "./open.ts";
import { namedParams, paramValue } from "./params.ts";

/** Options of every command that takes one SQL statement. */
export interface StatementOptions extends CommonOptions {
  readonly file?: string;
  readonly param?: readonly string[];
  readonly p?: readonly string[];
}

/** The statement from the argument, from `-f`, or from standard input. @throws INPUT_INVALID, NOT_FOUND */
export async function readSql(sql: string | undefined, { file }: StatementOptions, io: Io): Promise<string> {
  if (sql !== undefined && file !== undefined)
    throw problem("INPUT_INVALID", "SQL was given twice: as an argument and with -f", "Give it once");
  if (sql !== undefined && sql !== "-") return sql;
  if (file !== undefined && file !== "-") return readSqlFile(file);
  if (io.stdin.isTTY && sql === undefined && file === undefined) {
    throw problem("INPUT_INVALID", "No SQL was given", "Give it as the second argument, with -f file.sql, or on standard input");
  }
  return readAll(io.stdin);
}

/** Parameters from `--param name=value` or from `-p value`. @throws INPUT_INVALID when both are used */
export function readParams({ param, p }: StatementOptions): Params {
  if (param === undefined) return (p ?? []).map(paramValue);
  if (p === undefined) return namedParams(param);
  throw problem(
    "INPUT_INVALID",
    "Named and positional parameters cannot be mixed",
    "Use --param name=value for all of them, or -p for all of them",
  );
}

async function readSqlFile(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw problem("NOT_FOUND", `Cannot read the SQL file "${file}"`, "Check the path and its permissions", cause);
  }
}
