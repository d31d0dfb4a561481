import { GrammarBroken, type Parse } from "./grammar.ts";
import { Writer } from "./writer.ts";

/** The text of a tree; nothing when that text, read again, is not the same tree. */
export function rewrite(tree: string, parse: Parse): string | undefined {
  try {
    const wanted = JSON.parse(tree);
    const text = new Writer(wanted, { pretty: false }).deparseQuery();
    const again = parse(text);
    return "tree" in again && same(wanted, JSON.parse(again.tree)) ? text : undefined;
  } catch (error) {
    // The writer does not know every tree, and recurses.
    if (error instanceof GrammarBroken) throw error;
    return undefined;
  }
}

/** Where something stands in the text is not part of what it means. */
const places: ReadonlySet<string> = new Set([
  ...["location", "stmt_location", "stmt_len", "list_start", "list_end", "rexpr_list_start", "rexpr_list_end", "name_location"],
]);

function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [a, b].map((value) => Object.entries(value).filter(([key, part]) => !places.has(key) && part !== undefined));
  if (left?.length !== right?.length) return false;
  return left?.every(([key, part]) => same(part, (b as Record<string, unknown>)[key])) ?? false;
}
