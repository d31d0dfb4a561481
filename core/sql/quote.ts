import { problem } from "../problem.ts";

/** Quotes one identifier for an engine whose quote character is `quote`. */
export function quoteIdentifier(name: string, quote: string): string {
  if (name.includes("\0")) throw problem("INPUT_INVALID", "An identifier holds a NUL character", "Remove the NUL character from the name");
  const close = quote === "[" ? "]" : quote;
  return quote + name.replaceAll(close, close + close) + close;
}
