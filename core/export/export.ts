import { mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { CsvStream } from "../contract/driver.ts";
import type { EncodeOptions, Exporter } from "../contract/export.ts";
import type { Batch, Column, RowStream } from "../contract/rows.ts";
import type { ExportReport } from "../contract/tool.ts";
import { problem } from "../problem.ts";
import { csvHeader } from "./csv.ts";
import { diskProblem, inTermsOf } from "./disk-problem.ts";
import { type Compression, compressionFor, formatFor, formatNamed } from "./formats.ts";
import { metaText, type Provenance } from "./meta.ts";
import { type Place, stagedFile, type Written, writeFile } from "./sink.ts";

/** A statement ready to run, by whichever way out suits the format; exactly one is used. */
export interface ExportSource {
  rows(): Promise<RowStream>;
  readonly copyOut?: (() => Promise<CsvStream>) | undefined;
  /** The same in any spelling, of an engine whose columns are typed. */
  readonly typedCsv?: () => Promise<CsvStream>;
  /** The engine's own writer for a format, if it has one. */
  writer(format: string): ((path: string) => Promise<{ readonly rows: number; readonly columns?: readonly Column[] }>) | undefined;
}

export interface ExportRequest {
  /** Absolute path. */
  readonly to: string;
  /** A format's name; absent means by the path's ending. */
  readonly format?: string | undefined;
  /** Absent means by the path's ending. */
  readonly compress?: Compression | undefined;
  readonly overwrite?: boolean;
  /** The files results come from: none of them is ever replaced. */
  readonly sources?: () => Promise<readonly string[]>;
  /** Writes `<to>.meta.json` too: both files appear or none. */
  readonly meta?: Provenance | undefined;
  /** The formats to choose from; absent means the built-in ones. */
  readonly formats?: readonly Exporter[];
  readonly signal: AbortSignal;
  readonly onProgress?: ((done: { readonly rows: number; readonly bytes: number }) => void) | undefined;
}

/** What is known of the result, as far as it went. */
interface Seen {
  rows: number;
  bytes: number;
  columns?: readonly Column[];
}

/**
 * Writes one result to a file, which appears whole or not at all. The engine's own writer goes first, then
 * its own CSV, then rows; nothing runs when a path or the format cannot be used.
 * @throws INPUT_INVALID, CONFLICT, NOT_FOUND, FORBIDDEN, LIMIT_EXCEEDED, and what the source throws
 */
export async function exportResult(source: ExportSource, request: ExportRequest): Promise<ExportReport> {
  const started = new Date();
  const clock = performance.now();
  const exporter = request.format === undefined ? formatFor(request.to, request.formats) : formatNamed(request.format, request.formats);
  const compression = request.compress ?? compressionFor(request.to);
  if (compression && exporter.binary) {
    throw problem(
      "INPUT_INVALID",
      `Cannot compress ${exporter.format}: it is compressed already, or read in place`,
      `Leave out ".${compression}"`,
    );
  }
  const { to: path, meta: provenance } = request;
  const seen: Seen = { rows: 0, bytes: 0 };
  const reportOf = (written: Written): ExportReport => {
    const seconds = (performance.now() - clock) / 1000;
    return { path, format: exporter.format, rows: seen.rows, bytes: written.bytes, seconds, sha256: written.sha256 };
  };
  let report: ExportReport | undefined;
  const text = (written: Written) => {
    report = reportOf(written);
    return provenance ? metaText({ report, provenance, started, columns: seen.columns, compression }) : "";
  };
  const note = provenance && { path: `${path}.meta.json`, text };
  const done = await written(source, request, { exporter, compression, seen, note });
  return report ?? reportOf(done);
}

interface Plan {
  readonly exporter: Exporter;
  readonly compression: Compression | undefined;
  readonly seen: Seen;
  readonly note: Place["note"];
}

async function written(source: ExportSource, request: ExportRequest, { exporter, compression, seen, note }: Plan): Promise<Written> {
  const { to: path, overwrite = false, sources, signal, onProgress } = request;
  const place: Place = { path, overwrite, sources, note, signal };
  const write = compression ? undefined : source.writer(exporter.format);
  if (write) {
    return stagedFile({ ...place, write: async (temp) => Object.assign(seen, await write(temp)) });
  }
  const chunks = exporter.format === "csv" && source.copyOut ? copied(source.copyOut, seen) : staging(source, request, exporter, seen);
  const onBytes = (bytes: number) => {
    seen.bytes = bytes;
    onProgress?.(seen);
  };
  return writeFile({ ...place, chunks, compress: compression, onBytes });
}

async function* copied(copyOut: () => Promise<CsvStream>, seen: Seen): AsyncGenerator<Uint8Array> {
  await using csv = await copyOut();
  seen.columns = csv.columns;
  yield new TextEncoder().encode(csvHeader(csv.columns));
  yield* countedCsv(csv, seen, undefined);
}

/** Stages beside the target, where there is room for it, rather than where a system keeps small files. */
async function* staging(source: ExportSource, request: ExportRequest, exporter: Exporter, seen: Seen): AsyncGenerator<Uint8Array> {
  const { to, signal, onProgress } = request;
  const tempFolder = await mkdtemp(join(dirname(to), ".tidegate-")).catch(diskProblem(to));
  try {
    yield* encoded(source, { exporter, seen, onProgress }, { signal, tempFolder });
  } catch (error) {
    throw inTermsOf(to, tempFolder, error);
  } finally {
    await rm(tempFolder, { recursive: true, force: true });
  }
}

/** What the exporter makes of the engine's CSV, where it reads that, else of its rows. */
async function* encoded(
  source: ExportSource,
  { exporter, seen, onProgress }: Pick<Plan, "exporter" | "seen"> & Pick<ExportRequest, "onProgress">,
  options: EncodeOptions,
): AsyncGenerator<Uint8Array> {
  if (source.typedCsv && exporter.encodeCsv) {
    await using csv = await source.typedCsv();
    seen.columns = csv.columns;
    yield* exporter.encodeCsv(countedCsv(csv, seen, onProgress), options);
  } else {
    await using rows = await source.rows();
    seen.columns = rows.columns;
    yield* exporter.encode(counted(rows, seen, onProgress), options);
  }
}

/** Counts rows as they pass. */
function countedCsv(csv: CsvStream, seen: Seen, onProgress: ExportRequest["onProgress"]): CsvStream {
  return {
    columns: csv.columns,
    get rows() {
      return csv.rows;
    },
    async *[Symbol.asyncIterator]() {
      for await (const chunk of csv) {
        seen.rows = csv.rows;
        onProgress?.(seen);
        yield chunk;
      }
      seen.rows = csv.rows;
    },
    [Symbol.asyncDispose]: () => csv[Symbol.asyncDispose](),
  };
}

/** Counts rows as they pass: a format that stages them writes its first byte long after. */
function counted(rows: RowStream, seen: Seen, onProgress: ExportRequest["onProgress"]): RowStream {
  return {
    columns: rows.columns,
    async *[Symbol.asyncIterator](): AsyncGenerator<Batch> {
      for await (const batch of rows) {
        seen.rows += batch.length;
        onProgress?.(seen);
        yield batch;
      }
    },
    [Symbol.asyncDispose]: () => rows[Symbol.asyncDispose](),
  };
}
