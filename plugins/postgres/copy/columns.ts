import type { CopyOptions } from "../../../core/contract/driver.ts";
import type { Column } from "../../../core/contract/rows.ts";

/** What COPY is to write, and what is left for us to rewrite in it. */
export interface CopyForm {
  /** One expression for each column, over `c0`, `c1` and so on; one more, the mark, when there are floats. */
  readonly list: readonly string[];
  /** Which columns are floats. A row whose mark is not NULL has one that PostgreSQL and JavaScript write differently. */
  readonly floats: readonly number[];
}

/** How COPY writes each column in the form all CSV of this product has, or one near it; nothing when SQL cannot make the form of one. */
export function copyForm(columns: readonly Column[], spelling?: CopyOptions["spelling"]): CopyForm | undefined {
  if (columns.length === 0 || columns.some(({ type }) => type === "list")) return undefined;
  const own = (type: Column["type"]) => spelling === "any" && (type === "boolean" || type === "float");
  const list = columns.map((column, index) => (own(column.type) ? `c${index}` : written(column, `c${index}`)));
  const floats = columns.flatMap(({ type }, index) => (type === "float" && !own(type) ? [index] : []));
  if (floats.length === 0) return { list, floats };
  const alike = floats.map((index) => `(${writtenAlike(columns[index]?.nativeType ?? "", `c${index}`)})`);
  return { list: [...list, `case when ${alike.join(" and ")} then null else 'x' end`], floats };
}

/** The statement that copies `from`, whose columns the form was made for. */
export function copySql({ list, floats }: CopyForm, from: string): string {
  const aliases = Array.from({ length: list.length - Math.min(floats.length, 1) }, (_, index) => `c${index}`);
  return `COPY (SELECT ${list.join(", ")} FROM (\n${from}\n) AS r (${aliases.join(", ")})) TO STDOUT (FORMAT csv)`;
}

function written({ type }: Column, column: string): string {
  if (type === "boolean") return `case when ${column} then 'true' when not ${column} then 'false' end`;
  return type === "bytes" ? `translate(encode(${column}, 'base64'), E'\\n', '')` : column;
}

/** PostgreSQL turns to exponents earlier than JavaScript. Positive numbers, the most common, need two comparisons. */
function writtenAlike(nativeType: string, column: string): string {
  const least = "1e-4::float8";
  const below = nativeType === "real" ? "1e6::float8" : "1e15::float8";
  return `${column} >= ${least} and ${column} < ${below} or ${column} = 0 or ${column} <= -${least} and ${column} > -${below} or ${column} is null`;
}
