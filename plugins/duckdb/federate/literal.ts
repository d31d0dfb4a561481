import type { CatalogColumn } from "../../../core/contract/catalog.ts";
import type { Params, PushedCondition } from "../../../core/contract/driver.ts";
import type { Value } from "../../../core/contract/rows.ts";
import { isNode, type Json, text } from "../guard/json.ts";

/** How values of a column compare: alike in every engine, or in those that hold every column to its type. */
export type Comparing = PushedCondition["type"];

const texts = /^(?:(?:tiny|medium|long)?text|n?(?:var)?char(?:acter)?|bpchar|clob)\b/i;
const timestamps = /^(?:timestamp|datetime)(?:\([0-6]\))?(?: without time zone)?$/i;

/** `undefined` for a column whose values engines compare in ways of their own. */
export function comparing({ type, nativeType }: CatalogColumn, strict: boolean): Comparing | undefined {
  if ((type === "int" || type === "bigint") && /int/i.test(nativeType)) return "integer";
  if (type === "text" && texts.test(nativeType)) return "text";
  if (!strict) return undefined;
  if (type === "decimal") return isExact(nativeType) ? "decimal" : undefined;
  if (type === "date" && /^date$/i.test(nativeType)) return "date";
  return type === "timestamp" && timestamps.test(nativeType) ? "timestamp" : undefined;
}

/** One that the engine keeps as a decimal too. */
function isExact(nativeType: string): boolean {
  const [, precision, scale = "0"] = /^(?:decimal|numeric)\((\d+)(?:,\s*(\d+))?\)/i.exec(nativeType) ?? [];
  return precision !== undefined && Number(precision) <= 38 && Number(scale) <= Number(precision);
}

/** The value of a constant as every engine reads it; `undefined` for any other, and for what is no value of the column's own kind. */
export function constantOf(node: Json | undefined, kind: Comparing, params: Params): Value | undefined {
  if (!isNode(node)) return undefined;
  if (text(node.class) === "PARAMETER") return valueOfParameter(params, text(node.identifier), kind);
  const isCast = text(node.class) === "CAST" && node.try_cast !== true && isNode(node.cast_type);
  const cast = isCast && isNode(node.cast_type) ? text(node.cast_type.id) : "";
  const constant = isCast ? node.child : node;
  if (!isNode(constant) || text(constant.class) !== "CONSTANT" || !isNode(constant.value)) return undefined;
  const { type, value, is_null } = constant.value;
  const id = isNode(type) ? text(type.id) : "";
  if (is_null === true || (value ?? null) === null) return undefined;
  if (id === "VARCHAR") return valueOfText(String(value), kind, cast);
  if (isCast || (kind !== "integer" && kind !== "decimal")) return undefined;
  if (id === "INTEGER" || id === "BIGINT") return kind === "integer" ? integer(digits(value)) : digits(value);
  const info = isNode(type) && isNode(type.type_info) ? type.type_info : {};
  return id === "DECIMAL" && kind === "decimal" ? withPoint(digits(value), Number(info.scale ?? 0)) : undefined;
}

function valueOfParameter(params: Params, name: string, kind: Comparing): Value | undefined {
  const value: unknown = Array.isArray(params) ? params[Number(name) - 1] : (params as Readonly<Record<string, Value>>)[name];
  if (typeof value === "string") return valueOfText(value, kind, "");
  const whole = typeof value === "bigint" ? value : Number.isSafeInteger(value) ? BigInt(value as number) : undefined;
  if (whole === undefined || BigInt.asIntN(64, whole) !== whole) return undefined;
  if (kind === "decimal") return String(whole);
  return kind === "integer" ? integer(String(whole)) : undefined;
}

const longestText = 200;

function valueOfText(value: string, kind: Comparing, cast: string): Value | undefined {
  if (kind === "text") return cast === "" && isPlain(value) ? value : undefined;
  if (kind === "date") return cast === "" || cast === "DATE" ? day(value) : undefined;
  if (kind !== "timestamp" || !["", "DATE", "TIMESTAMP"].includes(cast)) return undefined;
  const [, date = "", hour = "00", minute = "00", second = "00"] =
    /^(\d{4}-\d\d-\d\d)(?:[ T]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.0+)?)?)?$/.exec(value) ?? [];
  const found = cast === "DATE" && value !== date ? undefined : day(date);
  return found && `${found} ${hour}:${minute}:${second}`;
}

/** What no engine takes for an escape, and every one can hold. */
function isPlain(value: string): boolean {
  return value.length <= longestText && value.isWellFormed() && !/[\\\p{Cc}]/u.test(value);
}

/** A day every calendar has. */
function day(value: string): string | undefined {
  if (!/^[1-9]\d{3}-\d\d-\d\d$/.test(value)) return undefined;
  const moment = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(value) ? value : undefined;
}

/** A number of the tree; one that JavaScript would alter is marked there. */
const digits = (value: Json | undefined): string => String(value).replace("\0number:", "");

function integer(value: string): Value {
  const whole = BigInt(value);
  return BigInt.asIntN(54, whole) === whole ? Number(whole) : whole;
}

function withPoint(value: string, scale: number): string {
  if (scale === 0) return value;
  const [, sign = "", whole = ""] = /^(-?)(\d+)$/.exec(value) ?? [];
  const padded = whole.padStart(scale + 1, "0");
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}
