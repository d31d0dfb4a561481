import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { CsvStream } from "../contract/driver.ts";
import type { EncodeOptions, Exporter } from "../contract/export.ts";
import type { Batch, RowStream } from "../contract/rows.ts";
import type { ExportReport, WrittenFile } from "../contract/tool.ts";
import { problem } from "../problem.ts";
import { csvHeader } from "./csv.ts";
import { type Destination, destination, publishAll } from "./destination.ts";
import { diskProblem, inTermsOf, taken } from "./disk-problem.ts";
import { encodeOptions, type Job, metaOf, metaPath, reportOf, stagingFolder, streamOf, totalOf } from "./job.ts";
import { createLines } from "./lines.ts";
import { listed, readMeta } from "./meta.ts";
import { openPart, type Part } from "./part.ts";
import { writeNote } from "./sink.ts";
import type { Split } from "./split-size.ts";

/** So many names sort as they follow each other. */
const mostFiles = 9_999;

/** Writes a result as `name-0001.csv`, `name-0002.csv`, …, each complete in itself: all appear, or none. */
export async function exportSplit(job: Job, split: Split): Promise<ExportReport> {
  const { exporter, request, seen } = job;
  if ("bytes" in split && exporter.staged) throw sizeUnknown(exporter.format);
  const stale = await earlier(request.to, request.overwrite ?? false);
  const places: Destination[] = [];
  const note = request.meta && (await destination(metaPath(request.to), request));
  try {
    const files = await writeParts(job, split, places);
    const total = totalOf(files.map((file) => ({ ...file, path: basename(file.path) })));
    seen.rows = total.rows;
    const report = reportOf(job, total, { files });
    if (note) await writeNote(note, metaOf(job, report, { split, files: listed(files, note.path) }) ?? "");
    request.signal.throwIfAborted();
    const names = new Set(places.map(({ path }) => path));
    await publishAll(note ? [...places, note] : places, { ...request, stale: stale.filter((path) => !names.has(path)) });
    return report;
  } finally {
    for (const { temp } of note ? [...places, note] : places) await rm(temp, { force: true });
  }
}

function sizeUnknown(format: string) {
  return problem(
    "UNSUPPORTED",
    `Cannot split ${format} by bytes: its size is known only once a file is complete`,
    "Split by rows, for example rows=1000000",
  );
}

/** The name of one file of several: the number goes before the endings. */
export function numbered(path: string, number: number): string {
  const [, stem = "", endings = ""] = /^(.+?)((?:\.[^.]+)?(?:\.(?:gz|zst))?)$/is.exec(basename(path)) ?? [];
  return join(dirname(path), `${stem}-${String(number).padStart(4, "0")}${endings}`);
}

/** Files of this name that are there. Only those that an earlier export tells of may go. @throws CONFLICT */
async function earlier(path: string, overwrite: boolean): Promise<string[]> {
  const folder = dirname(path);
  const [before = "", after = ""] = basename(numbered(path, 0)).split("-0000");
  const isNumbered = (name: string) =>
    name.startsWith(`${before}-`) && name.endsWith(after) && /^\d{4}$/.test(name.slice(before.length + 1, name.length - after.length));
  const there = (await readdir(folder).catch(diskProblem(path))).filter(isNumbered).map((name) => join(folder, name));
  const [first] = there;
  if (first !== undefined && !overwrite) throw taken(first);
  const own = new Set((await readMeta(metaPath(path)))?.files?.map((file) => join(folder, file.path)));
  const foreign = there.find((name) => !own.has(name));
  if (foreign !== undefined)
    throw problem(
      "CONFLICT",
      `File "${foreign}" is in the way, and "${metaPath(path)}" tells of no export that wrote it`,
      "Move it away, or choose another name",
    );
  return there;
}

/** A result in the pieces that are given to one file or another. */
interface Pieces<Piece> {
  readonly all: AsyncIterable<Piece>;
  rowsOf(piece: Piece): number;
  /** Its first rows, and what is left of it. */
  cut(piece: Piece, rows: number): readonly [first: Piece, rest: Piece];
  encode(pieces: AsyncIterable<Piece>, options: EncodeOptions): AsyncIterable<Uint8Array>;
}

async function writeParts(job: Job, split: Split, places: Destination[]): Promise<WrittenFile[]> {
  const { source, exporter, request, seen } = job;
  // The first is looked at before anything runs; how many there will be is for the rows to say.
  places.push(await destination(numbered(request.to, 1), request));
  await using staged = await stagingFolder(request.to);
  const options = encodeOptions(job, staged.folder);
  try {
    if ("bytes" in split && exporter.format === "csv" && source.copyOut) {
      await using csv = await source.copyOut();
      seen.columns = csv.columns;
      return await writePieces(csvPieces(csv), { job, split, places, options });
    }
    await using rows = await source.rows();
    seen.columns = rows.columns;
    return await writePieces(rowPieces(rows, exporter), { job, split, places, options });
  } catch (error) {
    throw inTermsOf(request.to, staged.folder, error);
  }
}

function rowPieces(rows: RowStream, exporter: Exporter): Pieces<Batch> {
  return {
    all: rows,
    rowsOf: ({ length }) => length,
    cut: (batch, at) => [slice(batch, 0, at), slice(batch, at, batch.length)],
    encode: (batches, options) => exporter.encode(streamOf(rows.columns, batches), options),
  };
}

/** Chunks of CSV end with a row, and are small beside any file; they are not cut. */
function csvPieces(csv: CsvStream): Pieces<Uint8Array> {
  return {
    all: csv,
    rowsOf(chunk) {
      const lines = createLines(true);
      lines.read(chunk);
      return lines.count;
    },
    cut: (chunk) => [chunk, new Uint8Array()],
    async *encode(chunks) {
      yield new TextEncoder().encode(csvHeader(csv.columns));
      yield* chunks;
    },
  };
}

function slice({ columns, length }: Batch, from: number, to: number): Batch {
  if (from === 0 && to >= length) return { columns, length };
  return { length: to - from, columns: columns.map((values) => Array.prototype.slice.call(values, from, to)) };
}

interface Writing {
  readonly job: Job;
  readonly split: Split;
  readonly places: Destination[];
  readonly options: EncodeOptions;
}

async function writePieces<Piece>(pieces: Pieces<Piece>, writing: Writing): Promise<WrittenFile[]> {
  const { job, split } = writing;
  const files: WrittenFile[] = [];
  let open = await nextPart(pieces, writing, 1);
  const isFull = () => ("rows" in split ? open.rows >= split.rows : open.part.bytes >= split.bytes);
  const finish = async () => {
    const { bytes, sha256 } = await open.part.end();
    files.push({ path: open.place.path, rows: open.rows, bytes, sha256 });
  };
  try {
    for await (const whole of pieces.all) {
      let piece: Piece = whole;
      for (let left = pieces.rowsOf(piece); left > 0; ) {
        if (isFull()) {
          await finish();
          open = await nextPart(pieces, writing, files.length + 1);
        }
        const fits = "rows" in split ? Math.min(left, split.rows - open.rows) : left;
        const [first, rest] = fits < left ? pieces.cut(piece, fits) : [piece, piece];
        await open.part.give(first);
        open.rows += fits;
        left -= fits;
        piece = rest;
        tell(job, fits, files, open.part.bytes);
      }
    }
    await finish();
  } catch (error) {
    await open.part.leave();
    throw error;
  }
  return files;
}

function tell({ seen, request }: Job, rows: number, files: readonly WrittenFile[], bytes: number): void {
  seen.rows += rows;
  seen.bytes = files.reduce((sum, file) => sum + file.bytes, bytes);
  request.onProgress?.(seen);
}

interface OpenPart<Piece> {
  readonly place: Destination;
  readonly part: Part<Piece>;
  rows: number;
}

async function nextPart<Piece>(pieces: Pieces<Piece>, { job, places, options }: Writing, number: number): Promise<OpenPart<Piece>> {
  const { request, compression } = job;
  if (number > mostFiles)
    throw problem("LIMIT_EXCEEDED", `The result would be split into more than ${mostFiles} files`, "Choose a larger size for each");
  const place = places[number - 1] ?? (await destination(numbered(request.to, number), request));
  if (places.length < number) places.push(place);
  const encode = (given: AsyncIterable<Piece>) => pieces.encode(given, options);
  return { place, part: openPart({ ...place, compression, encode, signal: request.signal }), rows: 0 };
}
