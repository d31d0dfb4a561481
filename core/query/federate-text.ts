import type { FederatedPart } from "../contract/driver.ts";

/** What one connection is asked. */
export interface AskedPart extends FederatedPart {
  readonly sql: string;
  /** The same without conditions. */
  readonly all: string;
}

/** A statement taken apart. */
export interface Split {
  readonly parts: readonly AskedPart[];
  /** What is left to do over the parts. */
  readonly sql: string;
}

/** What went where, for people: what each connection is asked and what is done over the answers. */
export function describeSplit({ parts, sql }: Split, policies: readonly (string | undefined)[]): string {
  const asked = parts.flatMap((part, index) => {
    const policy = policies[index];
    return [`${part.connection} is asked: ${part.sql}`, `  ${extent(part)}`, ...(policy === undefined ? [] : [`  policy: ${policy}`])];
  });
  return [...asked, `DuckDB joins: ${sql.trim()}`, ""].join("\n");
}

function extent({ name, columns, where, table: { columns: all = [] } }: AskedPart): string {
  const conditions = where.length === 0 ? "no condition" : `${where.length} ${where.length === 1 ? "condition" : "conditions"}`;
  return `as ${name.join(".")}: ${columns.length} of ${all.length} ${all.length === 1 ? "column" : "columns"}, ${conditions}`;
}
