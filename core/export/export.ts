import type { CsvStream } from "../contract/driver.ts";
import type { EncodeOptions, Exporter } from "../contract/export.ts";
import type { Column, RowStream } from "../contract/rows.ts";
import type { ExportReport } from "../contract/tool.ts";
import { type Problem, problem } from "../problem.ts";
import { csvHeader } from "./csv.ts";
import { present } from "./destination.ts";
import { type Compression, compressionFor, formatFor, formatNamed } from "./formats.ts";
import { counted, countedCsv, type Job, metaOf, metaPath, reportOf, staging } from "./job.ts";
import type { Provenance } from "./meta.ts";
import { asText, noteTypes } from "./notes.ts";
import { type Place, stagedFile, type Written, writeFile } from "./sink.ts";
import type { Split } from "./split-size.ts";

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
  /** Absolute path; of a folder for `partitionBy`, and for `split` what the numbered names are made of. */
  readonly to: string;
  /** A format's name; absent means by the path's ending, and Parquet for `partitionBy`. */
  readonly format?: string | undefined;
  /** Absent means by the path's ending. */
  readonly compress?: Compression | undefined;
  readonly overwrite?: boolean;
  /** Adds rows to the end of a file that is there. */
  readonly append?: boolean | undefined;
  /** Writes several files, each complete. */
  readonly split?: Split | undefined;
  /** Writes a folder with one folder for each value of these columns, which are then in the names and not in the files. */
  readonly partitionBy?: readonly string[] | undefined;
  /** What the result is called, for formats that name a table; absent means as the file. */
  readonly name?: string | undefined;
  /** The files results come from: none of them is ever replaced. */
  readonly sources?: () => Promise<readonly string[]>;
  /** What this statement's connection reads, patterns as they are: nothing is written where it would be read as well. */
  readonly readFrom?: () => Promise<readonly string[]>;
  /** Writes `<to>.meta.json` too, or `.meta.json` in a partitioned folder: all files appear or none. */
  readonly meta?: Provenance | undefined;
  /** The formats to choose from; absent means the built-in ones. */
  readonly formats?: readonly Exporter[];
  readonly signal: AbortSignal;
  readonly onProgress?: ((done: { readonly rows: number; readonly bytes: number }) => void) | undefined;
}

/**
 * Writes one result to a file, or to several, which appear whole or not at all. The engine's own writer goes first, then
 * its own CSV, then rows; nothing runs when a path or the format cannot be used.
 * @throws INPUT_INVALID, CONFLICT, NOT_FOUND, FORBIDDEN, UNSUPPORTED, LIMIT_EXCEEDED, and what the source throws
 */
export async function exportResult(source: ExportSource, request: ExportRequest): Promise<ExportReport> {
  refuseMixture(request);
  const started = new Date();
  const clock = performance.now();
  const exporter = exporterOf(request);
  const compression = request.compress ?? (request.partitionBy ? undefined : compressionFor(request.to));
  if (compression && exporter.binary) throw compressedTwice(exporter, compression);
  const job: Job = { source, request, exporter, compression, started, clock, seen: { rows: 0, bytes: 0, notes: new Set() } };
  const { partitionBy, split, append, to } = request;
  if (partitionBy) return (await import("./partition.ts")).exportPartitions(job, partitionBy);
  if (split) return (await import("./split.ts")).exportSplit(job, split);
  // An empty file has no columns yet that rows could be added to.
  const before = append ? await present(to) : undefined;
  if (before && before.size > 0) return (await import("./append.ts")).exportAppended(job);
  return before ? exportFile({ ...job, request: { ...request, overwrite: true } }) : exportFile(job);
}

function exporterOf({ to, format, formats, partitionBy }: ExportRequest): Exporter {
  if (format !== undefined) return formatNamed(format, formats);
  return partitionBy ? formatNamed("parquet", formats) : formatFor(to, formats);
}

function refuseMixture({ overwrite, append, split, partitionBy }: ExportRequest): void {
  const given = Object.entries({ append, split, "partition-by": partitionBy }).flatMap(([name, value]) => (value ? [name] : []));
  const pair = append && overwrite ? ["append", "overwrite"] : given;
  if (pair.length > 1)
    throw problem("INPUT_INVALID", `The options ${pair[0]} and ${pair[1]} exclude each other`, `Leave out ${pair[0]} or ${pair[1]}`);
  if (partitionBy?.length === 0) throw problem("INPUT_INVALID", "No column to partition by was named", "Name one column, or more");
}

function compressedTwice({ format }: Exporter, compression: Compression): Problem {
  return problem("INPUT_INVALID", `Cannot compress ${format}: it is compressed already, or read in place`, `Leave out ".${compression}"`);
}

async function exportFile(job: Job): Promise<ExportReport> {
  const { to: path, meta } = job.request;
  let report: ExportReport | undefined;
  const text = (written: Written) => {
    report = reportOf(job, written);
    return metaOf(job, report) ?? "";
  };
  const done = await written(job, meta && { path: metaPath(path), text });
  return report ?? reportOf(job, done);
}

async function written(job: Job, note: Place["note"]): Promise<Written> {
  const { source, exporter, compression, seen } = job;
  const { to: path, overwrite = false, sources, readFrom, signal, onProgress } = job.request;
  const place: Place = { path, overwrite, sources, readFrom, note, signal };
  const write = compression ? undefined : source.writer(exporter.format);
  if (write) {
    return stagedFile({ ...place, write: async (temp) => Object.assign(seen, await write(temp)) });
  }
  const chunks =
    exporter.format === "csv" && source.copyOut ? copied(job, source.copyOut) : staging(job, (options) => encoded(job, options));
  const onBytes = (bytes: number) => {
    seen.bytes = bytes;
    onProgress?.(seen);
  };
  return writeFile({ ...place, chunks, compress: compression, onBytes });
}

async function* copied(job: Job, copyOut: () => Promise<CsvStream>): AsyncGenerator<Uint8Array> {
  await using csv = await copyOut();
  job.seen.columns = csv.columns;
  noteTypes(csv.columns, asText, { note: (text) => job.seen.notes.add(text) });
  yield new TextEncoder().encode(csvHeader(csv.columns));
  yield* countedCsv(job, csv);
}

/** What the exporter makes of the engine's CSV, where it reads that, else of its rows. */
async function* encoded(job: Job, options: EncodeOptions): AsyncGenerator<Uint8Array> {
  const { source, exporter, seen } = job;
  if (source.typedCsv && exporter.encodeCsv) {
    await using csv = await source.typedCsv();
    seen.columns = csv.columns;
    yield* exporter.encodeCsv(countedCsv(job, csv), options);
  } else {
    await using rows = await source.rows();
    seen.columns = rows.columns;
    yield* exporter.encode(counted(job, rows), options);
  }
}
