import type { CsvStream, Params, QueryOptions } from "../../contract/driver.ts";
import type { Batch, Column, RowStream } from "../../contract/rows.ts";
import type { CsvPage, Page } from "./messages.ts";
import type { Seat } from "./process.ts";

/** Rows of a child's query; inside its transaction while there is one. */
export async function openRows(seat: Seat, sql: string, params: Params, { signal, ...options }: QueryOptions): Promise<RowStream> {
  const opened = (await seat.ask({ do: "query", sql, params, ...options }, signal)) as {
    stream: number;
    columns: Column[];
    first: Page<Batch>;
  };
  const pages = pull(seat, opened.stream, signal, opened.first);
  let affectedRows: number | undefined;
  return {
    columns: opened.columns,
    get affectedRows() {
      return affectedRows as number;
    },
    async *[Symbol.asyncIterator]() {
      affectedRows = yield* pages.items();
    },
    [Symbol.asyncDispose]: () => pages.close(),
  };
}

/** CSV bytes of a child's query. */
export async function openCsv(seat: Seat, sql: string, params: Params, { signal, ...options }: QueryOptions): Promise<CsvStream> {
  const opened = (await seat.ask({ do: "copyOut", sql, params, ...options }, signal)) as { stream: number; columns: Column[] };
  const pages = pull<CsvPage>(seat, opened.stream, signal);
  let rows = 0;
  return {
    columns: opened.columns,
    get rows() {
      return rows;
    },
    async *[Symbol.asyncIterator]() {
      for await (const page of pages.items()) {
        rows = page.rows;
        yield page.bytes;
      }
    },
    [Symbol.asyncDispose]: () => pages.close(),
  };
}

/** Reads a child's stream one page ahead, so that the engine works while we do. */
function pull<Content>(seat: Seat, stream: number, signal: AbortSignal, first?: Page<Content>) {
  let open = first?.last !== true;
  let left = false;
  const next = () => {
    const page = seat.ask({ do: "next", stream }, signal) as Promise<Page<Content>>;
    page.catch(() => undefined); // Reported when it is awaited; a stream left early never awaits its last page.
    return page;
  };
  const close = async () => {
    left = true;
    if (!open) return;
    open = false;
    if (!seat.ended()) await seat.ask({ do: "close", stream }, new AbortController().signal);
  };
  return {
    close,
    async *items(): AsyncGenerator<Content, number | undefined> {
      if (left) return undefined;
      try {
        let got = first ?? (await next());
        while (got.page !== undefined) {
          const ahead = got.last ? { ...got, page: undefined } : next();
          yield got.page;
          got = await ahead;
        }
        open = false;
        return got.affectedRows;
      } finally {
        await close();
      }
    },
  };
}
