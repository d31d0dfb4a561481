import type { StoredResult } from "../contract/results.ts";
import type { Batch, Column, RowStream, Value } from "../contract/rows.ts";
import type { InlineResult } from "../contract/tool.ts";
import { jsonText } from "../export/cell.ts";
import { csvHeader, csvRow } from "../export/csv.ts";
import { asProblem, type Problem, problem, toPublic } from "../problem.ts";

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

/** What becomes of a result that is larger than its preview. */
export interface Keeping {
  /** Reads a result from its first row on. */
  keep(rows: RowStream): Promise<StoredResult>;
  /** True keeps it whatever its size. */
  readonly always?: boolean;
}

/**
 * Reads the first rows of a stream into text within the budget. The same pass then keeps the whole of it, or counts on.
 * Memory is bounded by the budget, whatever the result.
 * @throws LIMIT_EXCEEDED when not even one row fits.
 */
export async function preview(
  rows: RowStream & { readonly passed?: { readonly cut: false | "rows" | "bytes" } },
  format: "csv" | "json",
  budget: PreviewBudget,
  keeping?: Keeping,
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

  const held: Batch[] = [];
  let kept: Pick<InlineResult, "kept" | "unkept"> = {};
  const batches = rows[Symbol.asyncIterator]();
  try {
    for (let next = await batches.next(); next.done !== true; next = await batches.next()) {
      total += next.value.length;
      show(next.value);
      if (keeping !== undefined) held.push(next.value);
      if (cut === undefined) continue;
      if (keeping !== undefined) break;
      countUntil = Math.min(countUntil, performance.now() + budget.countMillis);
      if (performance.now() < countUntil) continue;
      counted = "at least";
      break;
    }
    if (keeping !== undefined && (cut !== undefined || keeping.always)) {
      kept = await keptBy(keeping, rows, held, batches);
      if (kept.kept !== undefined) total = kept.kept.rows;
      if (kept.kept?.truncated !== undefined || kept.unkept !== undefined) counted = "at least";
    }
  } finally {
    await batches.return?.();
  }
  if (rows.passed?.cut) {
    total = kept.kept === undefined ? total + 1 : total;
    counted = "at least";
    cut ??= rows.passed.cut;
  }
  const facts = { shown: shown.length, total, counted, ...(cut && { cut }), ...kept, millis: Math.round(performance.now() - started) };
  return { text: form.whole(rows.columns, shown, facts), ...facts };
}

/** Keeps the rows that were read already and those still to come. Where they cannot be kept, the first of them are told all the same. */
async function keptBy(
  { keep }: Keeping,
  { columns }: RowStream,
  held: Batch[],
  rest: AsyncIterator<Batch>,
): Promise<Pick<InlineResult, "kept" | "unkept">> {
  let broken: unknown;
  const all: RowStream = {
    columns,
    async *[Symbol.asyncIterator]() {
      for (let batch = held.shift(); batch !== undefined; batch = held.shift()) yield batch;
      for (let next = await reading(); next.done !== true; next = await reading()) yield next.value;
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  const reading = () =>
    rest.next().catch((error) => {
      broken = error;
      throw error;
    });
  try {
    const { name, rows: count, truncated } = await keep(all);
    return { kept: { name, rows: count, ...(truncated && { truncated }) } };
  } catch (error) {
    const reported = asProblem(error);
    if (broken !== undefined || reported.code === "CANCELLED") throw error;
    return { unkept: toPublic(reported) };
  }
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
