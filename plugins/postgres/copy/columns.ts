import type { Column } from "../../../core/contract/rows.ts";

/**
 * What to select so that COPY writes each column in the form all CSV of this product has; nothing
 * when a column has a form that SQL cannot make.
 */
export function copyList(columns: readonly Column[]): string[] | undefined {
  if (columns.some(({ type }) => type === "list")) return undefined;
  return columns.map((column, index) => written(column, `c${index}`));
}

function written({ type, nativeType }: Column, column: string): string {
  if (type === "boolean") return `case when ${column} then 'true' when not ${column} then 'false' end`;
  if (type === "bytes") return `translate(encode(${column}, 'base64'), E'\\n', '')`;
  if (type !== "float") return column;
  const plainBelow = nativeType === "real" ? "1e6" : "1e15";
  // PostgreSQL turns to exponents earlier than JavaScript, and writes them with two digits.
  const size = `abs(${column}::float8)`;
  const exact = `${column}::text`;
  return `case when ${size} >= 1e-4 and ${size} < ${plainBelow} or ${column} = 0 or ${size} >= 1e21 then ${exact} when ${size} >= 1e-6 then ${exact}::numeric::text else replace(${exact}, 'e-0', 'e-') end`;
}
