import type { Column, RowStream, Value } from "../contract/rows.ts";
import { cellText, jsonText } from "../export/cell.ts";
import { csvHeader, csvRow } from "../export/csv.ts";
import type { ColumnProfile, Profile } from "./profile.ts";

interface Field {
  readonly name: string;
  cell(column: ColumnProfile, profile: Profile): string | undefined;
}

const quantile = (at: number) => (column: ColumnProfile) => short(column.quantiles?.[at]);

const fields: readonly Field[] = [
  { name: "column", cell: ({ column }) => column.name },
  { name: "type", cell: ({ column }) => column.nativeType || column.type },
  { name: "nulls", cell: ({ nulls }) => String(nulls) },
  { name: "distinct", cell: (column) => distinctText(column) },
  { name: "min", cell: ({ min }) => short(min) },
  { name: "25%", cell: quantile(0) },
  { name: "50%", cell: quantile(1) },
  { name: "75%", cell: quantile(2) },
  { name: "max", cell: ({ max }) => short(max) },
  {
    name: "length",
    cell: ({ lengths }) => lengths && (lengths.min === lengths.max ? `${lengths.min}` : `${lengths.min} to ${lengths.max}`),
  },
  { name: "top", cell: (column, { rows }) => topText(column, rows) },
  { name: "histogram", cell: ({ bins, nulls }, { rows }) => bins?.map((bin) => share(bin.rows, rows - nulls, "")).join(" ") },
];

const alwaysShown = 4;
const topShown = 3;
const longest = 40;
/** In a hundred: what is rarer would only cost room. */
const worthTelling = 5;

/** An estimate is told to three digits: more would not be true. */
export function distinctText({ distinct, about }: Pick<ColumnProfile, "distinct" | "about">): string {
  return about ? `~${Number(distinct.toPrecision(3))}` : String(distinct);
}

/** What a profile was made from, in words. */
export function profileHead({ name, rows, drawn, columns }: Profile): string {
  const counts = `${name}: ${rows} ${rows === 1 ? "row" : "rows"}, ${columns.length} ${columns.length === 1 ? "column" : "columns"}`;
  return drawn === undefined ? counts : `${counts}; quantiles, top and histogram from ${drawn} rows drawn by chance`;
}

/** A profile as rows for any exporter, one for each column; what holds for none of them is left out. */
export function profileRows(profile: Profile): RowStream {
  const cells = fields.map((field) => profile.columns.map((column) => field.cell(column, profile) ?? null));
  const used = fields.flatMap(({ name }, index) =>
    index < alwaysShown || cells[index]?.some((cell) => cell !== null) ? [{ name, cells: cells[index] ?? [] }] : [],
  );
  const columns = used.map(({ name }): Column => ({ name, type: "text", nativeType: "" }));
  return {
    columns,
    async *[Symbol.asyncIterator]() {
      if (profile.columns.length > 0) yield { length: profile.columns.length, columns: used.map(({ cells }) => cells) };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** The compact table a model reads. */
export async function profileText(profile: Profile): Promise<string> {
  const rows = profileRows(profile);
  let text = `-- ${profileHead(profile)}\n${csvHeader(rows.columns)}`;
  for await (const { columns, length } of rows) for (let row = 0; row < length; row++) text += csvRow(columns.map((column) => column[row]));
  return text.trimEnd();
}

/** All of it, as JSON without loss. */
export function profileJson({ columns, ...facts }: Profile): string {
  const plain = columns.map(({ column: { name, type, nativeType }, ...rest }) => ({ name, type, nativeType, ...rest }));
  return jsonText({ ...facts, columns: plain } as unknown as Value);
}

/** A value on one line, cut where it is long. */
export function short(value: Value | undefined, most = longest): string | undefined {
  const text = cellText(value);
  if (text === undefined) return undefined;
  const line = text.length > most * 2 ? text.slice(0, most * 2) : text;
  const characters = [...line];
  return characters.length > most ? `${characters.slice(0, most - 1).join("")}…` : line;
}

function topText({ top }: ColumnProfile, rows: number): string | undefined {
  const told = top.filter((each) => each.rows * 100 >= rows * worthTelling).slice(0, topShown);
  return told.length === 0 ? undefined : told.map((each) => `${apart(short(each.value) ?? "")} ${share(each.rows, rows)}`).join("; ");
}

/** A value that the list's semicolons cannot be mistaken for a part of. */
function apart(text: string): string {
  return text === "" || /;|^\s|\s$/.test(text) ? JSON.stringify(text) : text;
}

/** In a hundred of all. */
export function share(part: number, all: number, unit = "%"): string {
  const percent = all === 0 ? 0 : (100 * part) / all;
  return `${percent > 0 && percent < 1 ? "<1" : Math.round(percent)}${unit}`;
}
