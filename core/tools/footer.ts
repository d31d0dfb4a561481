import type { InlineResult } from "../contract/tool.ts";

/** What a result's last line says: how many rows there are, and how to go on. */
export function footer(result: InlineResult): string {
  const { kept, unkept, age, millis } = result;
  const parts = [
    counted(result),
    ...(kept === undefined || result.skipped !== undefined ? [] : [`kept as ${kept.name}: ${ways(result, kept.name)}`]),
    ...(unkept === undefined ? [] : [`not kept: ${unkept.code}: ${unkept.message}`]),
    ...(age === undefined ? [] : [`read ${agoText(age)} ago`]),
  ];
  return result.cut === undefined && kept === undefined ? `${parts.join("; ")} in ${millis} ms` : parts.join("; ");
}

const rows = (count: number) => `${count} ${count === 1 ? "row" : "rows"}`;

function counted({ shown, total, counted, cut, setting, kept, skipped }: InlineResult): string {
  if (skipped !== undefined && kept !== undefined) return paged(shown, skipped, kept, total);
  if (cut === undefined) return rows(shown);
  const by = setting === undefined ? "" : ` (${setting})`;
  if (kept?.truncated !== undefined) return `${shown} of the first ${rows(total)}, truncated: source (${setting ?? kept.truncated})`;
  const all = counted === "all" ? rows(total) : `at least ${rows(total)}`;
  if (kept !== undefined) return `${shown} of ${all}${by}`;
  if (cut === "bytes" && setting === undefined) return `${shown} of ${all}: the answer is full: select less, or use export`;
  if (setting === undefined) return `${shown} of ${all}: raise max_rows, narrow the query, or use export`;
  // A limit of the connection or of a role holds for exports as well.
  const instead = setting === "limits.maxRows" ? "narrow the query, or use export" : "narrow the query";
  return `${shown} of ${all}: ${setting} allows no more: ${instead}`;
}

function paged(shown: number, skipped: number, { name, truncated }: NonNullable<InlineResult["kept"]>, total: number): string {
  const end = skipped + shown;
  const range = shown === 0 ? "no more rows" : `rows ${skipped + 1} to ${end}`;
  const next = end < total ? `; cursor ${name}:${end}` : "";
  return `${range} of ${total} of ${name}${truncated === undefined ? "" : `, truncated: source (${truncated})`}${next}`;
}

function ways({ shown, cut }: InlineResult, name: string): string {
  const on = cut === undefined ? "" : `query cursor ${name}:${shown} reads on, `;
  return `${on}analyze "select … from ${name}", export from ${name}`;
}

function agoText(millis: number): string {
  return millis < 120_000 ? `${Math.round(millis / 1000)} s` : `${Math.round(millis / 60_000)} min`;
}
