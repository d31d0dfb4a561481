/** A node of the engine's tree. Its shape is the engine's business; what is read of it is checked where it is read. */
export type Node = { [key: string]: Json };
export type Json = null | boolean | number | string | Json[] | Node;

/** Marks a number that JavaScript would alter; written back as it was. */
const mark = "\u0000number:";

/** Reads a tree so that `writeTree` gives back the same numbers, digit by digit. */
export function readTree(json: string): Node {
  const safe = json.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) =>
    token.startsWith('"') || (/^-?\d{1,15}$/.test(token) && token !== "-0") ? token : JSON.stringify(mark + token),
  );
  return JSON.parse(safe) as Node;
}

export function writeTree(node: Json): string {
  return JSON.stringify(node).replace(/"\\u0000number:([^"]*)"/g, "$1");
}

export const isNode = (value: Json | undefined): value is Node => typeof value === "object" && value !== null && !Array.isArray(value);

export const text = (value: Json | undefined): string => (typeof value === "string" ? value : "");

export const texts = (value: Json | undefined): string[] => (Array.isArray(value) ? value.filter((each) => typeof each === "string") : []);

export const nodes = (value: Json | undefined): Node[] => (Array.isArray(value) ? value.filter(isNode) : []);

/** True for what could hold an expression and does. */
export const holds = (value: Json | undefined): boolean =>
  typeof value === "object" && value !== null && (Array.isArray(value) ? value.length > 0 : Object.keys(value).length > 0);
