import type { EncodeOptions } from "../contract/export.ts";
import { quoteIdentifier } from "../sql/quote.ts";

/** The table a result becomes in a script or a database: its name, as far as every engine takes it. */
export function tableName({ name = "" }: Pick<EncodeOptions, "name">): string {
  const plain = name
    .replaceAll(/[^\p{L}\p{N}_$ -]/gu, "_")
    .slice(0, 60)
    .trim();
  if (plain === "") return "result";
  // SQLite keeps such names to itself.
  return /^sqlite_/i.test(plain) ? `_${plain}` : plain;
}

/** A name between double quotes; no engine takes a U+0000 there. */
export function quotedName(name: string): string {
  return quoteIdentifier(name.replaceAll("\0", "\ufffd"), '"');
}
