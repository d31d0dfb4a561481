export type Cell = string | number | null;

/** The types the demo needs, with what each engine calls them. */
export type ColumnType = "INTEGER" | "TEXT" | "BOOLEAN" | "DATE" | "TIMESTAMP" | "DECIMAL(10,2)";

/** A table with all its rows. Dates, times and decimals are text in ISO and plain form. */
export interface DemoTable {
  readonly name: string;
  readonly columns: Readonly<Record<string, ColumnType>>;
  readonly rows: readonly (readonly Cell[])[];
}

/** RFC 4180 with a header line; NULL is an empty field. */
export function toCsv({ columns, rows }: DemoTable): string {
  const lines = [Object.keys(columns), ...rows].map((row) => row.map(field).join(","));
  return `${lines.join("\r\n")}\r\n`;
}

function field(cell: Cell): string {
  if (cell === null) return "";
  const text = String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
