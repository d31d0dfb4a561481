import type { EncodeOptions } from "../contract/export.ts";
import { problem } from "../problem.ts";
import { noteTypes } from "./notes.ts";
import { type Conversion, convert } from "./parquet-convert.ts";
import type { Staged } from "./staging.ts";
import { tableName } from "./table-name.ts";
import { fileWritten } from "./written-file.ts";

const instead = { interval: "text", list: "JSON" } as const;

/** Streams the Parquet file or database that DuckDB makes of rows staged as text. */
export function typedFile(
  { columns, declared, into }: Pick<Conversion, "columns" | "declared" | "into">,
  options: EncodeOptions,
  staging: (folder: string) => Promise<Staged>,
): AsyncGenerator<Uint8Array> {
  return fileWritten(options, async (path, folder) => {
    if (columns.length === 0) {
      const what = into ? "a DuckDB database" : "Parquet";
      throw problem("INPUT_INVALID", `Cannot write ${what}: the result has no columns`, "Run a statement that returns columns");
    }
    noteTypes(columns, instead, options);
    const { signal, writer, note } = options;
    const staged = await staging(folder);
    await convert({ columns, declared, staged, folder, path, signal, writer, note, ...(into && { into, table: tableName(options) }) });
  });
}
