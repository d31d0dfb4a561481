import type { CatalogObject } from "../../contract/catalog.ts";
import type { Diagnosis } from "../../contract/problem.ts";
import { didYouMean } from "../../problem.ts";

/** What somebody from whom something is hidden is told of a statement that names what they cannot see. */
export interface Concealed {
  readonly told: Diagnosis;
  /** Whether the text reads from a name that is not open to them, be it there or not. */
  readonly namesOther: boolean;
}

/**
 * Follows from the text and from what is visible alone. An answer that depended on the rest of the catalog, be it by the order in
 * which an engine finds mistakes, would tell what is in it.
 */
export function conceal(sql: string, visible: readonly CatalogObject[]): Concealed {
  const open = new Map(visible.map((object) => [object.name.toLowerCase(), object]));
  const named = relationsNamed(sql);
  const other = named.find((name) => !open.has(name));
  if (other !== undefined) {
    const hint = didYouMean(other, open.keys()) ?? "Look at what is with inspect";
    return { told: { code: "NOT_FOUND", message: `No table or view "${other}" is open to you`, hint }, namesOther: true };
  }
  const hint = named
    .map((name) => open.get(name))
    .filter((object) => object?.columns !== undefined)
    .map((object) => `${object?.name}(${listed(object?.columns ?? [])})`)
    .slice(0, 3);
  return {
    told: {
      code: "NOT_FOUND",
      message: "The statement names a column, table or view that is not open to you",
      hint: hint.length === 0 ? "Look at what is with inspect" : `Use what is open to you: ${hint.join(", ")}`,
    },
    namesOther: false,
  };
}

const listed = (columns: readonly { readonly name: string }[]): string =>
  `${columns
    .slice(0, 30)
    .map(({ name }) => name)
    .join(", ")}${columns.length > 30 ? ", …" : ""}`;

const tokens = /--[^\n\r]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[\w+\]|[\p{L}_][\p{L}\p{N}_$]*|[\s\S]/gu;
const opens: ReadonlySet<string> = new Set(["from", "join", "into", "update", "using"]);
const ends = new Set([
  "where",
  "group",
  "order",
  "having",
  "limit",
  "on",
  "select",
  "union",
  "except",
  "intersect",
  "window",
  "set",
  "values",
]);

/** The names a text reads from, as far as its words tell: good for a message, and for nothing else. Lower case, without schemas and common table expressions. */
function relationsNamed(sql: string): string[] {
  const words = [...sql.matchAll(tokens)].map(([text]) => text).filter((text) => !/^(\s|--|\/\*)/.test(text));
  const found: string[] = [];
  const defined = new Set<string>();
  const lists: ("expects" | "listing" | "other" | "arguments")[] = ["other"];
  for (const [at, word] of words.entries()) {
    const lower = word.toLowerCase();
    const state = lists.at(-1);
    if (word === "(") lists.push(state === "expects" ? "expects" : isName(words[at - 1] ?? "") ? "arguments" : "other");
    else if (word === ")") {
      if (lists.length > 1) lists.pop();
      if (lists.at(-1) === "expects") lists[lists.length - 1] = "listing";
    } else if ((opens.has(lower) && state !== "arguments") || (lower === "in" && isName(words[at + 1] ?? "")))
      // In parentheses USING names columns; without any, IN names a table, as SQLite has it.
      lists[lists.length - 1] = lower === "using" && words[at + 1] === "(" ? "other" : "expects";
    else if (word === "," && state === "listing") lists[lists.length - 1] = "expects";
    else if (ends.has(lower)) lists[lists.length - 1] = "other";
    else if (isName(word)) {
      const next = words[at + 1];
      if (next?.toLowerCase() === "as" && words[at + 2] === "(") defined.add(bare(word));
      if (state !== "expects" || next === ".") continue;
      lists[lists.length - 1] = "listing";
      // A function, unless it is the list of columns of an insert.
      if (next !== "(" || words[at - 1]?.toLowerCase() === "into") found.push(bare(word));
    }
  }
  return [...new Set(found)].filter((name) => !defined.has(name));
}

const isName = (word: string): boolean => /^["`[\p{L}_]/u.test(word) && word !== "[" && !/^(lateral|only)$/i.test(word);

const bare = (word: string): string => word.replace(/^["`[](.*)["`\]]$/s, "$1").toLowerCase();
