import { createHash } from "node:crypto";

/**
 * Reduces SQL to its shape: comments go, white space folds, every literal becomes `?`, and lists of
 * literals become one. Text in double quotes or backticks stays only when it reads like a name,
 * because some engines take it for a string.
 */
export function shapeOf(sql: string): string {
  const token =
    /--[^\n\r]*|\/\*[\s\S]*?(?:\*\/|$)|(?:[eEbBxXnN]|[uU]&)?'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)|\$(\w*)\$[\s\S]*?(?:\$\1\$|$)|"(?:[^"]|"")*(?:"|$)|`(?:[^`]|``)*(?:`|$)|[\w$]+(?:\.\d+)?(?:[eE][+-]?\d+)?|\s+|[\s\S]/g;
  return sql
    .replace(token, folded)
    .replace(/\s+/g, " ")
    .replace(/\(\s*\?(?:\s*,\s*\?)*\s*\)/g, "(?)")
    .replace(/\(\?\)(?:\s*,\s*\(\?\))+/g, "(?)")
    .trim();
}

/** A short hash of the shape: the same for statements that differ in literals, comments and spacing only. */
export function fingerprint(sql: string): string {
  return createHash("sha256").update(shapeOf(sql)).digest("hex").slice(0, 16);
}

function folded(token: string): string {
  const first = token[0] ?? "";
  if (token.startsWith("--") || token.startsWith("/*") || /\s/.test(first)) return " ";
  if (token.includes("'") || /[0-9]/.test(first) || (first === "$" && token.length > 1)) return "?";
  if (first === '"' || first === "`") return /^.[A-Za-z_][\w$]*.$/.test(token) ? token.toLowerCase() : "?";
  return token.toLowerCase();
}
