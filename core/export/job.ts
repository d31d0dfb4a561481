import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { CsvStream } from "../contract/driver.ts";
import type { EncodeOptions, Exporter } from "../contract/export.ts";
import type { Batch, Column, RowStream } from "../contract/rows.ts";
import type { ExportReport, WrittenFile } from "../contract/tool.ts";
import { diskProblem, inTermsOf } from "./disk-problem.ts";
import type { ExportRequest, ExportSource } from "./export.ts";
import type { Compression } from "./formats.ts";
import { type Extent, metaText } from "./meta.ts";
import type { Written } from "./sink.ts";

/** One export under way: what was asked for, and what is known of the result so far. */
export interface Job {
  readonly source: ExportSource;
  readonly request: ExportRequest;
  readonly exporter: Exporter;
  readonly compression: Compression | undefined;
  readonly started: Date;
  /** What `performance.now()` was then. */
  readonly clock: number;
  readonly seen: Seen;
}

/** What is known of the result, as far as it went. */
export interface Seen {
  rows: number;
  bytes: number;
  columns?: readonly Column[];
  /** What the format holds instead of what it has no place for. */
  readonly notes: Set<string>;
}

/** What is told of an export that is complete. */
export function reportOf({ request, exporter, seen, clock }: Job, written: Written, more: Partial<ExportReport> = {}): ExportReport {
  return {
    path: request.to,
    format: exporter.format,
    rows: seen.rows,
    bytes: written.bytes,
    seconds: (performance.now() - clock) / 1000,
    sha256: written.sha256,
    ...(seen.notes.size > 0 && { notes: [...seen.notes] }),
    ...more,
  };
}

/** The text of the note beside it; `undefined` when none is wanted. */
export function metaOf({ request, compression, seen, started }: Job, report: ExportReport, extent: Extent = {}): string | undefined {
  const { meta: provenance } = request;
  return provenance && metaText({ report, provenance, started, columns: seen.columns, compression, extent });
}

/** Where the note about a file, or about several that were split, stands. */
export function metaPath(path: string): string {
  return `${path}.meta.json`;
}

/** The files an export wrote, absolute, whether it was one or several. */
export function exportedFiles({ files, path, rows, bytes, sha256 }: ExportReport): readonly WrittenFile[] {
  return files ?? [{ path, rows, bytes, sha256 }];
}

/** Runs with a private folder beside the target, where there is room for it, rather than where a system keeps small files. */
export async function* staging(job: Job, chunks: (options: EncodeOptions) => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  await using staged = await stagingFolder(job.request.to);
  try {
    yield* chunks(encodeOptions(job, staged.folder));
  } catch (error) {
    throw inTermsOf(job.request.to, staged.folder, error);
  }
}

/** A private folder beside `path`; whoever makes it disposes it. */
export async function stagingFolder(path: string): Promise<AsyncDisposable & { readonly folder: string }> {
  const folder = await mkdtemp(join(dirname(path), ".tidegate-")).catch(diskProblem(path));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

export function encodeOptions({ request, seen }: Job, tempFolder: string): EncodeOptions {
  const { to, name, signal, meta } = request;
  return {
    signal,
    tempFolder,
    name: name ?? basename(to).replace(/\..*$/s, ""),
    ...(meta && { writer: `tidegate ${meta.version}` }),
    note: (text) => seen.notes.add(text),
  };
}

/** Rows, counted as they pass: a format that stages them writes its first byte long after. */
export function counted({ seen, request }: Job, rows: RowStream): RowStream {
  return {
    columns: rows.columns,
    async *[Symbol.asyncIterator](): AsyncGenerator<Batch> {
      for await (const batch of rows) {
        seen.rows += batch.length;
        request.onProgress?.(seen);
        yield batch;
      }
    },
    [Symbol.asyncDispose]: () => rows[Symbol.asyncDispose](),
  };
}

/** The same for an engine's CSV. */
export function countedCsv({ seen, request }: Job, csv: CsvStream): CsvStream {
  return {
    columns: csv.columns,
    get rows() {
      return csv.rows;
    },
    async *[Symbol.asyncIterator]() {
      for await (const chunk of csv) {
        seen.rows = csv.rows;
        request.onProgress?.(seen);
        yield chunk;
      }
      seen.rows = csv.rows;
    },
    [Symbol.asyncDispose]: () => csv[Symbol.asyncDispose](),
  };
}

/** Batches pushed by somebody, as a format reads them. */
export function streamOf(columns: readonly Column[], batches: AsyncIterable<Batch>): RowStream {
  return { columns, [Symbol.asyncIterator]: () => batches[Symbol.asyncIterator](), [Symbol.asyncDispose]: async () => undefined };
}

/** Several files as one, by what their paths are to people; the hash is that of their list as `sha256sum` prints it. */
export function totalOf(files: readonly WrittenFile[]): Pick<WrittenFile, "rows" | "bytes" | "sha256"> {
  const list = createHash("sha256");
  for (const { sha256, path } of files) list.update(`${sha256}  ${path}\n`);
  const sum = (what: "rows" | "bytes") => files.reduce((total, file) => total + file[what], 0);
  return { rows: sum("rows"), bytes: sum("bytes"), sha256: list.digest("hex") };
}
