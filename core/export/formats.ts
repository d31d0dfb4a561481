import { extname } from "node:path";
import type { CsvStream } from "../contract/driver.ts";
import type { EncodeOptions, Exporter } from "../contract/export.ts";
import type { RowStream } from "../contract/rows.ts";
import { didYouMean, problem } from "../problem.ts";

export type Compression = "gz" | "zst";

/** Every built-in format. Its encoder is loaded when the first row is encoded. */
export const formats: readonly Exporter[] = [
  lazy("csv", ["csv"], () => import("./csv.ts")),
  lazy("tsv", ["tsv", "tab"], () => import("./tsv.ts")),
  lazy("json", ["json"], () => import("./json.ts")),
  lazy("ndjson", ["ndjson", "jsonl"], () => import("./ndjson.ts")),
  lazy("markdown", ["md", "markdown"], () => import("./markdown.ts")),
  lazy("html", ["html", "htm"], () => import("./html.ts")),
  lazy("sql", ["sql"], () => import("./sql.ts")),
  lazy("copy", ["pgsql"], () => import("./copy.ts")),
  lazy("vertical", [], () => import("./vertical.ts")),
  lazy("table", ["txt"], () => import("./table.ts")),
  staged("parquet", ["parquet", "pq"], () => import("./parquet.ts")),
  { ...lazy("arrow", ["arrow", "feather", "ipc"], () => import("./arrow.ts")), binary: true },
  { ...lazy("arrows", ["arrows"], () => import("./arrows.ts")), binary: true },
  { ...lazy("xlsx", ["xlsx"], () => import("./xlsx.ts")), binary: true },
  { ...lazy("sqlite", ["sqlite", "sqlite3", "db"], () => import("./sqlite.ts")), binary: true, staged: true },
  staged("duckdb", ["duckdb", "ddb"], () => import("./duckdb.ts")),
];

function lazy(format: string, extensions: readonly string[], load: () => Promise<Pick<Exporter, "encode">>): Exporter {
  return {
    format,
    extensions,
    async *encode(rows: RowStream, options: EncodeOptions) {
      const { encode } = await load();
      for await (const chunk of encode(rows, options)) {
        options.signal.throwIfAborted();
        yield chunk;
      }
    },
  };
}

/** A format made of staged CSV, which an engine may write itself. */
function staged(
  format: string,
  extensions: readonly string[],
  load: () => Promise<Required<Pick<Exporter, "encode" | "encodeCsv">>>,
): Exporter {
  return {
    ...lazy(format, extensions, load),
    binary: true,
    staged: true,
    async *encodeCsv(csv: CsvStream, options: EncodeOptions) {
      yield* (await load()).encodeCsv(csv, options);
    },
  };
}

/**
 * Finds a format by its name, or by a file ending people use as one (`jsonl`, `md`).
 * @throws INPUT_INVALID
 */
export function formatNamed(name: string, known: readonly Exporter[] = formats): Exporter {
  const wanted = name.toLowerCase();
  const found = known.find(({ format }) => format === wanted) ?? known.find(({ extensions }) => extensions.includes(wanted));
  if (found) return found;
  const names = known.map(({ format }) => format);
  throw problem("INPUT_INVALID", `Unknown format "${name}"`, didYouMean(name, names) ?? `Use one of ${names.join(", ")}`);
}

/**
 * Finds the format a path's ending names, the compression aside.
 * @throws INPUT_INVALID
 */
export function formatFor(path: string, known: readonly Exporter[] = formats): Exporter {
  const ending = extname(withoutCompression(path)).slice(1).toLowerCase();
  const found = known.find(({ extensions }) => extensions.includes(ending));
  if (found) return found;
  const endings = known.flatMap(({ extensions }) => extensions);
  const names = known.filter(({ extensions }) => extensions.length > 0).map(({ format }) => format);
  throw problem(
    "INPUT_INVALID",
    ending === ""
      ? `Cannot tell the format of "${path}": it has no file ending`
      : `Cannot tell the format of "${path}": unknown ending ".${ending}"`,
    didYouMean(ending, endings) ?? `Name the format, one of ${names.join(", ")}`,
  );
}

/** The compression a path's ending asks for. */
export function compressionFor(path: string): Compression | undefined {
  const ending = extname(path).slice(1).toLowerCase();
  return ending === "gz" || ending === "zst" ? ending : undefined;
}

function withoutCompression(path: string): string {
  return compressionFor(path) ? path.slice(0, -extname(path).length) : path;
}
