import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import type { Column, RowStream } from "../../core/contract/rows.ts";
import { formatNamed, formats } from "../../core/export/formats.ts";
import { parquetOfCsv } from "./parquet-of-csv.ts";

/** One column of integers, made as they are read. */
export function numbers(count: number): RowStream {
  const columns: Column[] = [{ name: "n", type: "bigint", nativeType: "BIGINT" }];
  const length = 2_048;
  return {
    columns,
    async *[Symbol.asyncIterator]() {
      for (let start = 0; start < count; start += length) {
        const slice = Math.min(length, count - start);
        yield { length: slice, columns: [Float64Array.from({ length: slice }, (_, index) => start + index)] };
      }
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function write(format: string, count: number): Promise<void> {
  const options = { signal: new AbortController().signal, tempFolder: tmpdir() };
  for await (const chunk of formatNamed(format, [...formats, parquetOfCsv]).encode(numbers(count), options)) assert.ok(chunk.length > 0);
}

/** The most kilobytes that were ever resident. */
const most = () => process.resourceUsage().maxRSS;

/** Run by itself: prints how many megabytes two million rows take beyond what a tenth of them takes, in a process that does nothing else. */
if (import.meta.main) {
  const [, , format = ""] = process.argv;
  await write(format, 200_000);
  const few = most();
  await write(format, 2_000_000);
  console.log(Math.round((most() - few) / 1024));
}
