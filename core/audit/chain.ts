import { createHash } from "node:crypto";

/** What the first record of a file is chained to: the file's own name, so that files cannot be swapped. */
export const root = (file: string): string => hash("", file);

/** The next link: it stands for its record and all before it. */
export const link = (before: string, record: string): string => hash(before, record);

const hash = (before: string, text: string): string => createHash("sha256").update(before).update("\n").update(text).digest("hex");

const head = '{"chain":"';
const middle = '","record":';

/** A line of the audit: the chain, then the record as it was hashed. */
export const line = (chain: string, record: string): string => `${head}${chain}${middle}${record}}\n`;

/** The two parts of a line; `undefined` when it is not one. */
export function parts(text: string): { readonly chain: string; readonly record: string } | undefined {
  const at = head.length + 64;
  if (!text.startsWith(head) || !text.startsWith(middle, at) || !text.endsWith("}")) return undefined;
  return { chain: text.slice(head.length, at), record: text.slice(at + middle.length, -1) };
}
