import type { EncodeOptions } from "../contract/export.ts";
import type { Column, LogicalType } from "../contract/rows.ts";

/** What a format holds instead of the types it has none for. */
export type Instead = Readonly<Partial<Record<LogicalType, string>>>;

/** Tells of every column whose type the format has no place for. */
export function noteTypes(columns: readonly Column[], instead: Instead, { note }: Pick<EncodeOptions, "note">): void {
  if (!note) return;
  for (const { name, type } of columns) {
    const text = instead[type];
    if (text !== undefined) note(columnNote(name, text));
  }
}

/** One note about one column. */
export function columnNote(name: string, text: string): string {
  return `column ${JSON.stringify(name)}: ${text}`;
}

/** What text without types of its own holds. */
export const asText: Instead = { bytes: "base64 text", list: "JSON text" };

/** What JSON holds, whose numbers are floats to most readers. */
export const asJson: Instead = {
  bytes: "base64 text",
  bigint: "text beyond 9007199254740991",
  decimal: "text",
  float: "NaN and Infinity are text",
};
