import type { ColumnPlace } from "../../../core/contract/analysis.ts";
import { isPlainSetting } from "./catalogs.ts";
import { readField, rowSource } from "./columns.ts";
import { readExpression, readOver } from "./expressions.ts";
import { Missing, type Reading, type Scope, Unresolved } from "./scope.ts";
import type { Fn } from "./snapshot.ts";
import { as, isNode, list, type Node, names, opened, text } from "./tree.ts";
import { readFunction } from "./trust.ts";

/** Words of the grammar that were names of functions before that version. */
const wordsSince: Readonly<Record<string, number>> = { system_user: 16, normalize: 13, is_normalized: 13 };

/** Reads a call, an aggregate or a window function. */
export function readCall(node: Node, scope: Scope, reading: Reading, place: ColumnPlace): number {
  reading.read.add(node);
  const parts = names(node.funcname);
  if (isColumnOf(node, parts, scope, reading, place)) return 0;
  readExpression(node.args, scope, reading, place);
  readExpression(node.agg_filter, scope, reading, "filter");
  readExpression(node.agg_order, scope, reading, "order");
  readOver(node, scope, reading);
  const name = parts.at(-1) ?? "";
  const since = text(node.funcformat) === "COERCE_SQL_SYNTAX" ? wordsSince[name] : undefined;
  if (since !== undefined && reading.snapshot.version < since * 10_000) throw new Unresolved(`"${name}" before PostgreSQL ${since}`);
  if (readsPlainSetting(node, parts, reading)) return 0;
  const [only, ...others] = calledFunctions(node, parts, scope, reading);
  return others.length === 0 ? (only?.returns ?? 0) : 0;
}

/** @throws Missing where a row is given, and so a column may have been meant */
function calledFunctions(node: Node, parts: readonly string[], scope: Scope, reading: Reading): readonly Fn[] {
  try {
    return readFunction(parts, countOf(node), reading);
  } catch (error) {
    const reference = as("ColumnRef", list(node.args)[0]);
    const [name = ""] = parts;
    const isRow = parts.length === 1 && countOf(node) === 1 && reference !== undefined && rowSource(reference, scope) !== undefined;
    if (!(error instanceof Unresolved) || !isRow) throw error;
    throw new Missing(`No function and no column "${name}" of these rows exists`, name);
  }
}

/** How many arguments a function must take to be meant. */
export function countOf(node: Node): number {
  const ordered = node.agg_within_group === true ? list(node.agg_order).length : 0;
  return list(node.args).length + ordered;
}

/** `c(t)` means `t.c` where there is no such function. */
function isColumnOf(node: Node, parts: readonly string[], scope: Scope, reading: Reading, place: ColumnPlace): boolean {
  const [argument, ...others] = list(node.args);
  const reference = as("ColumnRef", argument);
  if (reference === undefined || others.length > 0 || parts.length !== 1) return false;
  const row = rowSource(reference, scope);
  const [name = ""] = parts;
  if (row === undefined || !row.outputs.some((output) => output.name === name)) return false;
  readField(reference, row, name, reading, place);
  return reading.snapshot.functions(parts).length === 0;
}

/** Settings may hold what was meant for the server alone, so the name must be there to be looked at. */
function readsPlainSetting(node: Node, parts: readonly string[], reading: Reading): boolean {
  const [name, schema = "pg_catalog"] = [...parts].reverse();
  if (name !== "current_setting" || schema !== "pg_catalog") return false;
  const [kind, constant] = opened(list(node.args)[0]) ?? [];
  const setting = kind === "A_Const" && isNode(constant?.sval) ? text(constant.sval.sval).toLowerCase() : "";
  reading.fn({ schema: "pg_catalog", name, kind: "function", trusted: isPlainSetting(setting) });
  return true;
}
