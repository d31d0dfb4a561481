import type { CsvStream } from "../../contract/driver.ts";
import type { Batch, RowStream } from "../../contract/rows.ts";
import type { CsvPage, Page } from "./messages.ts";

/** An open stream in the child: pages of rows, or of CSV bytes. */
export interface Pages<Content = unknown> {
  next(): Promise<Page<Content>>;
  close(): Promise<void>;
}

/**
 * The pages of a result. The first travels with the answer, and the end too when that page is not full:
 * most results are one page, and then one round trip is all.
 */
export async function rowPages(rows: RowStream, full: number): Promise<{ readonly first: Page<Batch>; readonly rest: Pages<Batch> }> {
  const batches = rows[Symbol.asyncIterator]();
  const close = async () => rows[Symbol.asyncDispose]();
  const next = async (): Promise<Page<Batch>> => {
    const { done, value } = await batches.next();
    return done ? { ...(rows.affectedRows !== undefined && { affectedRows: rows.affectedRows }) } : { page: plain(value) };
  };
  const first = await next();
  if (first.page === undefined) return { first: { ...first, last: true }, rest: { next, close } };
  if (first.page.length >= full) return { first, rest: { next, close } };
  const second = await next();
  if (second.page === undefined) return { first: { ...second, ...first, last: true }, rest: { next, close } };
  let held: Page<Batch> | undefined = second;
  const afterHeld = async () => {
    const page = held ?? (await next());
    held = undefined;
    return page;
  };
  return { first, rest: { next: afterHeld, close } };
}

export function csvPages(csv: CsvStream): Pages<CsvPage> {
  const chunks = csv[Symbol.asyncIterator]();
  return {
    async next() {
      const { done, value } = await chunks.next();
      return done ? {} : { page: { bytes: value, rows: csv.rows } };
    },
    close: async () => csv[Symbol.asyncDispose](),
  };
}

/** Columns may be any array-like; only real arrays and typed arrays survive the pipe. */
function plain(batch: Batch): Batch {
  const columns = batch.columns.map((column) => (Array.isArray(column) || ArrayBuffer.isView(column) ? column : Array.from(column)));
  return { length: batch.length, columns };
}
