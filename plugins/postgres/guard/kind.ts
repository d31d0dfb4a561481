import { kindOfFunction } from "../sql/functions.ts";
import type { Kind } from "../sql/kind.ts";
import { isChange } from "./change.ts";
import { isNode, type Json, type Node, names, opened } from "./tree.ts";

/** What a query is by its tree: a read, unless something in it is none. `undefined` for what is no query. */
export function kindOfTree(statement: Node): Kind | undefined {
  const [kind, node] = opened(statement) ?? ["", {}];
  if (kind === "ExplainStmt") return isNode(node.query) ? kindOfTree(node.query) : undefined;
  if (kind !== "SelectStmt") return undefined;
  const found = effects(statement, []);
  return found.includes("admin") ? "admin" : (found[0] ?? "read");
}

function effects(value: Json | undefined, found: Kind[]): Kind[] {
  if (Array.isArray(value)) for (const each of value) effects(each, found);
  else if (isNode(value)) {
    for (const key in value) {
      const part = value[key];
      const effect = effectOf(key, part);
      if (effect !== undefined) found.push(effect);
      if (typeof part === "object") effects(part, found);
    }
  }
  return found;
}

function effectOf(key: string, part: Json | undefined): Kind | undefined {
  if (key === "intoClause") return "schema";
  if (key === "lockingClause" || isChange(key)) return "write";
  return key === "FuncCall" && isNode(part) ? kindOfFunction(names(part.funcname).at(-1) ?? "") : undefined;
}
