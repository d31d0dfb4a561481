import type { Column, Value } from "../contract/rows.ts";
import { didYouMean, problem } from "../problem.ts";
import { cellText } from "./cell.ts";

/** The folder of NULL, as Hive, Spark and DuckDB call it. */
const nullFolder = "__HIVE_DEFAULT_PARTITION__";

/**
 * The name of the folder of one value: `region=EU`. Bytes other than letters, digits, `_`, `.`, `~` and `-` are
 * percent-encoded. The column is written as it is wherever a path can hold it, because DuckDB reads it so.
 */
export function folderName(column: string, value: Value | undefined): string {
  const text = cellText(value);
  return `${columnName(column)}=${text === undefined ? nullFolder : encoded(text)}`;
}

function columnName(name: string): string {
  return name.replaceAll(/[\u0000-\u001f\u007f"%*/:<=>?\\|]/g, percent);
}

function encoded(text: string): string {
  // Texts that would be taken for NULL, here or by DuckDB; and a point that Windows leaves off.
  if (text === nullFolder || /^null$/i.test(text)) return `${percent(text)}${text.slice(1)}`;
  return encodeURIComponent(text.toWellFormed())
    .replaceAll(/[!'()*]/g, percent)
    .replace(/\.$/, "%2E");
}

/** The first character, encoded. */
function percent(text: string): string {
  return `%${text.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

/** Where the columns to partition by stand. @throws INPUT_INVALID when they cannot be used, with near names */
export function partitionPlaces(columns: readonly Column[], names: readonly string[]): readonly number[] {
  const places = names.map((name) => placeOf(columns, name));
  const twice = names.find((_, index) => places.indexOf(places[index] ?? 0) !== index);
  if (twice !== undefined) throw problem("INPUT_INVALID", `Column "${twice}" is named twice to partition by`, "Name it once");
  if (places.length === columns.length)
    throw problem("INPUT_INVALID", "Every column is one to partition by: none is left for the files", "Select one column more");
  return places;
}

function placeOf(columns: readonly Column[], wanted: string): number {
  const found = [...columns.keys()].filter((index) => columns[index]?.name === wanted);
  const alike = [...columns.keys()].filter((index) => columns[index]?.name.toLowerCase() === wanted.toLowerCase());
  const places = found.length > 0 ? found : alike;
  const names = columns.map(({ name }) => name);
  if (places.length > 1)
    throw problem("INPUT_INVALID", `Column "${wanted}" is there ${places.length} times`, "Give one of them another name in the statement");
  const [place] = places;
  if (place === undefined)
    throw problem(
      "INPUT_INVALID",
      `The result has no column "${wanted}" to partition by`,
      didYouMean(wanted, names) ?? `Use one of ${names.join(", ")}`,
    );
  return place;
}
