/** A part of the grammar's tree as it comes from JSON. What is read of it is checked where it is read; what has its default value is left out. */
export type Json = null | boolean | number | string | Json[] | Node;
export type Node = { [key: string]: Json };

export const isNode = (value: Json | undefined): value is Node => typeof value === "object" && value !== null && !Array.isArray(value);

export const text = (value: Json | undefined): string => (typeof value === "string" ? value : "");

export const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);

export const nodes = (value: Json | undefined): Node[] => list(value).filter(isNode);

/** The kind and the content of `{ ColumnRef: { … } }`; an absent one is written `{}`. */
export function opened(value: Json | undefined): readonly [kind: string, content: Node] | undefined {
  if (!isNode(value)) return undefined;
  for (const kind in value) {
    const content = value[kind];
    return isNode(content) ? [kind, content] : undefined;
  }
  return undefined;
}

/** The content of a node that is of this kind. */
export function as(kind: string, value: Json | undefined): Node | undefined {
  const content = isNode(value) ? value[kind] : undefined;
  return isNode(content) ? content : undefined;
}

/** The texts of a list of names: `[{ String: { sval } }, …]`. */
export const names = (value: Json | undefined): string[] => list(value).map((each) => text(as("String", each)?.sval));

export const copy = (node: Node): Node => structuredClone(node);

/** Every node of these kinds, wherever it is, wrapped or not. */
export function collect(value: Json | undefined, kinds: ReadonlySet<string>, found: Node[] = []): Node[] {
  if (Array.isArray(value)) for (const each of value) collect(each, kinds, found);
  else if (isNode(value)) {
    for (const key in value) {
      const part = value[key];
      if (kinds.has(key) && isNode(part)) found.push(part);
      if (typeof part === "object") collect(part, kinds, found);
    }
  }
  return found;
}
