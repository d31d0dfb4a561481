import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import type { Column, RowStream } from "../../core/contract/rows.ts";
import { formatNamed, formats } from "../../core/export/formats.ts";
import { parquetOfCsv } from "./parquet-of-csv.ts";

/** A column of integers and one of text, made as they are read: two million rows are a quarter of a gigabyte. */
export function numbers(count: number): RowStream {
  const columns: Column[] = [
    { name: "n", type: "bigint", nativeType: "BIGINT" },
    { name: "t", type: "text", nativeType: "TEXT" },
  ];
  const length = 2_048;
  const text = "n".repeat(100);
  return {
    columns,
    async *[Symbol.asyncIterator]() {
      for (let start = 0; start < count; start += length) {
        const slice = Math.min(length, count - start);
        yield {
          length: slice,
          columns: [
            Float64Array.from({ length: slice }, (_, index) => start + index),
            Array.from({ length: slice }, (_, index) => `${start + index} ${text}`),
          ],
        };
      }
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** Writes a format to nowhere and gives the most bytes that were resident; the system's own account of that begins with what the parent process had. */
async function write(format: string, count: number): Promise<number> {
  const options = { signal: new AbortController().signal, tempFolder: tmpdir() };
  let most = 0;
  const look = () => {
    most = Math.max(most, process.memoryUsage().rss);
  };
  // While rows flow nothing else gets a turn, and while an engine converts them no rows flow.
  const watch = setInterval(look, 5);
  for await (const chunk of formatNamed(format, [...formats, parquetOfCsv]).encode(watched(numbers(count), look), options)) {
    assert.ok(chunk.length > 0);
    look();
  }
  clearInterval(watch);
  return most;
}

function watched(rows: RowStream, look: () => void): RowStream {
  return {
    ...rows,
    async *[Symbol.asyncIterator]() {
      for await (const batch of rows) {
        look();
        yield batch;
      }
    },
  };
}

/** Run by itself: prints how many megabytes two million rows take beyond what a tenth of them takes, in a process that does nothing else. */
if (import.meta.main) {
  const [, , format = ""] = process.argv;
  const few = await write(format, 200_000);
  console.log(Math.round(((await write(format, 2_000_000)) - few) / 2 ** 20));
}
