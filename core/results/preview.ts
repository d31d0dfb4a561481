import type { Batch, Column, RowStream, Value } from "../contract/rows.ts";
import type { InlineResult } from "../contract/tool.ts";
import { jsonText } from "../export/cell.ts";
import { csvHeader, csvRow } from "../export/csv.ts";
import { type Problem, problem } from "../problem.ts";

/** How much of a result is shown, and how long the rest is counted. */
export interface PreviewBudget {
  readonly rows: number;
  readonly bytes: number;
  /** Rows beyond the shown ones are counted for this long, then counting is given up. */
  readonly countMillis: number;
}

/** Writes rows as text: one form for the rows, one for what stands around them. */
interface Form {
  row(values: readonly (Value | undefined)[]): string;
  whole(columns: readonly Column[], rows: readonly string[], facts: Omit<InlineResult, "text">): string;
}

const forms: Readonly<Record<"csv" | "json", Form>> = {
  csv: { row: csvRow, whole: (columns, rows) => csvHeader(columns) + rows.join("") },
  json: {
    row: (values) => `[${values.map(jsonText).join(",")}]`,
    whole: (columns, rows, facts) =>
      `{"columns":${JSON.stringify(columns.map(({ name, type, nativeType }) => [name, nativeType || type]))},"rows":[${rows.join(",")}],"facts":${JSON.stringify(facts)}}`,
  },
};

/**
 * Reads the first rows of a stream into text within the budget, then counts on. Memory is bounded by
 * the budget, whatever the result.
 * @throws LIMIT_EXCEEDED when not even one row fits.
 */
export async function preview(
  rows: RowStream & { readonly passed?: { readonly cut: false | "rows" | "bytes" } },
  format: "csv" | "json",
  budget: PreviewBudget,
): Promise<InlineResult> {
  const started = performance.now();
  const form = forms[format];
  const shown: string[] = [];
  let bytes = Buffer.byteLength(form.whole(rows.columns, [], { shown: 0, total: 0, counted: "all", millis: 0 }));
  let total = 0;
  let cut: InlineResult["cut"];
  let counted: InlineResult["counted"] = "all";
  let countUntil = Number.POSITIVE_INFINITY;

  const show = (batch: Batch) => {
    for (let r = 0; r < batch.length && cut === undefined; r++) {
      const text = shown.length === budget.rows ? undefined : form.row(batch.columns.map((column) => column[r]));
      if (text === undefined) cut = "rows";
      else {
        bytes += Buffer.byteLength(text) + 1;
        if (bytes > budget.bytes) cut = "bytes";
        else shown.push(text);
      }
      if (cut === "bytes" && shown.length === 0) throw tooWide(rows.columns, batch, budget.bytes);
    }
  };

  for await (const batch of rows) {
    total += batch.length;
    show(batch);
    if (cut === undefined) continue;
    countUntil = Math.min(countUntil, performance.now() + budget.countMillis);
    if (performance.now() < countUntil) continue;
    counted = "at least";
    break;
  }
  if (rows.passed?.cut) {
    total++;
    counted = "at least";
    cut ??= rows.passed.cut;
  }
  const facts = { shown: shown.length, total, counted, ...(cut && { cut }), millis: Math.round(performance.now() - started) };
  return { text: form.whole(rows.columns, shown, facts), ...facts };
}

function tooWide(columns: readonly Column[], batch: Batch, bytes: number): Problem {
  const sizes = columns.map(({ name }, c) => ({ name, size: Buffer.byteLength(csvRow([batch.columns[c]?.[0]])) }));
  const widest = sizes
    .sort((a, b) => b.size - a.size)
    .slice(0, 3)
    .map(({ name, size }) => `"${name}" ${size} bytes`);
  return problem(
    "LIMIT_EXCEEDED",
    `The first row does not fit into an answer of ${bytes} bytes: ${widest.join(", ")}`,
    "Select fewer columns or a part of the value (substr), or write the result to a file with export",
  );
}
