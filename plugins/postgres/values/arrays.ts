import type { Value } from "../../../core/contract/rows.ts";

/**
 * Reads a list's text, nested lists included. A list that does not count from 1 says its bounds
 * (`[2:3]={a,b}`): it stays text, because a plain list would lose them.
 */
export function readList(text: string, delimiter: string, element: (text: string) => Value): Value {
  if (!text.startsWith("{")) return text;
  let at = 1;
  const item = (): Value => {
    if (text[at] === "{") {
      at++;
      return list();
    }
    if (text[at] === '"') return element(quoted());
    const start = at;
    while (text[at] !== delimiter && text[at] !== "}") at++;
    const bare = text.slice(start, at);
    return bare === "NULL" ? null : element(bare);
  };
  const quoted = (): string => {
    let value = "";
    for (at++; text[at] !== '"'; at++) {
      if (text[at] === "\\") at++;
      value += text[at];
    }
    at++;
    return value;
  };
  const list = (): Value[] => {
    const items: Value[] = [];
    while (text[at] !== "}") {
      items.push(item());
      if (text[at] === delimiter) at++;
    }
    at++;
    return items;
  };
  return list();
}
