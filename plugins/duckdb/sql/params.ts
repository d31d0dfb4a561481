import type { DuckDBPreparedStatement } from "@duckdb/node-api";
import type { Params } from "../../../core/contract/driver.ts";
import type { Value } from "../../../core/contract/rows.ts";
import { refusal } from "../errors/refusal.ts";

/** Binds every parameter of a statement. @throws a refusal that says what it wants and what was given. */
export function bindParams(prepared: DuckDBPreparedStatement, params: Params): void {
  const wanted = parameterNames(prepared);
  const byPosition = Array.isArray(params);
  const given = new Map<string, Value>(
    byPosition ? params.map((value, index) => [String(index + 1), value as Value]) : Object.entries(params),
  );
  const missing = wanted.filter((name) => !given.has(name));
  const spare = [...given.keys()].filter((name) => !wanted.includes(name));
  if (missing.length > 0 || spare.length > 0) throw byPosition ? wrongCount(wanted, given.size) : wrongNames(wanted, missing, spare);
  for (const [index, name] of wanted.entries()) bind(prepared, index + 1, given.get(name) ?? null);
}

/** Positional parameters are named by their number. */
function parameterNames(prepared: DuckDBPreparedStatement): string[] {
  try {
    return Array.from({ length: prepared.parameterCount }, (_, index) => prepared.parameterName(index + 1));
  } catch (cause) {
    throw refusal({ code: "SQL_INVALID", message: "The numbers of the parameters have a gap", hint: "Number them from $1 upwards" }, cause);
  }
}

function wrongCount(wanted: readonly string[], given: number): Error {
  const named = wanted.filter((name) => !/^\d+$/.test(name));
  const expected = named.length > 0 ? `the parameters ${named.map((name) => `$${name}`).join(", ")} by name` : counted(wanted.length);
  return refusal({
    code: "INPUT_INVALID",
    message: `The statement takes ${expected}, but ${counted(given)} by position ${given === 1 ? "was" : "were"} given`,
    hint: "Give a value for each parameter",
  });
}

function counted(count: number): string {
  return `${count === 0 ? "no" : count} parameter${count === 1 ? "" : "s"}`;
}

function wrongNames(wanted: readonly string[], missing: readonly string[], spare: readonly string[]): Error {
  const parts = [
    ...(missing.length > 0 ? [`no value for ${list(missing)}`] : []),
    ...(spare.length > 0 ? [`nothing takes ${list(spare)}`] : []),
  ];
  const hint = wanted.length === 0 ? "Leave the parameters out" : `Give a value for ${list(wanted)}`;
  return refusal({ code: "INPUT_INVALID", message: `The parameters do not fit the statement: ${parts.join(", and ")}`, hint });
}

function list(names: readonly string[]): string {
  return names.map((name) => `$${name}`).join(", ");
}

/** Whole numbers are INTEGER where they fit, as literals are: `date + $1` and `round(x, $1)` take no BIGINT. */
function bind(prepared: DuckDBPreparedStatement, index: number, value: Value): void {
  if (value === null) prepared.bindNull(index);
  else if (typeof value === "string") prepared.bindVarchar(index, value);
  else if (typeof value === "boolean") prepared.bindBoolean(index, value);
  else if (typeof value === "bigint") bindInteger(prepared, index, value);
  else if (typeof value === "number") {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) bindInteger(prepared, index, BigInt(value));
    else prepared.bindDouble(index, value);
  } else if (value instanceof Uint8Array) prepared.bindBlob(index, value);
  else
    throw refusal({
      code: "INPUT_INVALID",
      message: `Parameter ${index} is a list or a record`,
      hint: "Give it as JSON text and cast it in the SQL, for example: $1::JSON",
    });
}

function bindInteger(prepared: DuckDBPreparedStatement, index: number, value: bigint): void {
  if (BigInt.asIntN(32, value) === value) prepared.bindInteger(index, Number(value));
  else if (BigInt.asIntN(64, value) === value) prepared.bindBigInt(index, value);
  else if (BigInt.asIntN(128, value) === value) prepared.bindHugeInt(index, value);
  else if (BigInt.asUintN(128, value) === value) prepared.bindUHugeInt(index, value);
  else prepared.bindBigNum(index, value);
}
