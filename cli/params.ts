import type { Value } from "../core/contract/rows.ts";
import { problem } from "../core/problem.ts";

/**
 * Reads one parameter: integers, numbers, `true`, `false` and `null` are what they look like, text in
 * double quotes is that text, and everything else is text. A number is taken as one only when
 * writing it back gives the same digits, so `007` and `1.10` stay text.
 */
export function paramValue(text: string): Value {
  if (text === "null") return null;
  if (text === "true" || text === "false") return text === "true";
  if (/^-?(?:0|[1-9]\d*)$/.test(text)) return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
  if (/^-?\d+\.\d+(?:e[+-]?\d+)?$/.test(text) && String(Number(text)) === text) return Number(text);
  return quoted(text) ?? text;
}

/** Reads `name=value` pairs. @throws INPUT_INVALID */
export function namedParams(pairs: readonly string[]): Readonly<Record<string, Value>> {
  const named: Record<string, Value> = {};
  for (const pair of pairs) {
    const equals = pair.indexOf("=");
    if (equals < 1) throw problem("INPUT_INVALID", `Cannot read --param "${pair}": wanted name=value`, "For example: --param city=Lisbon");
    const name = pair.slice(0, equals).replace(/^[:@$]/, "");
    if (Object.hasOwn(named, name)) throw problem("INPUT_INVALID", `Parameter "${name}" was given twice`, "Give it once");
    named[name] = paramValue(pair.slice(equals + 1));
  }
  return named;
}

function quoted(text: string): string | undefined {
  if (!/^".*"$/s.test(text)) return undefined;
  try {
    return JSON.parse(text) as string;
  } catch {
    // Not a JSON string after all: the text stands for itself.
    return undefined;
  }
}
