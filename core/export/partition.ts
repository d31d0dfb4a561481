import { join } from "node:path";
import type { Batch, Column, RowStream, Value } from "../contract/rows.ts";
import type { ExportReport, WrittenFile } from "../contract/tool.ts";
import { cellText } from "./cell.ts";
import { inTermsOf } from "./disk-problem.ts";
import { folderName, partitionPlaces } from "./hive.ts";
import { counted, type Job, metaOf, reportOf, stagingFolder, totalOf } from "./job.ts";
import { folderMeta, stageFolder } from "./partition-folder.ts";
import { createParts } from "./partition-parts.ts";
import { fillFile } from "./sink.ts";
import { createSpool, type Spooled } from "./spool.ts";

/** Rows and bytes that are gathered by their folders before they are written. */
const mostRows = 65_536;
const mostBytes = 16 * 2 ** 20;

/**
 * Writes a folder as Hive and DuckDB read it, `region=EU/part-0.parquet`: the columns are in the names of the folders and
 * not in the files. It appears whole or not at all; memory and open files are bounded, however many values there are.
 */
export async function exportPartitions(job: Job, names: readonly string[]): Promise<ExportReport> {
  const { source, request, seen } = job;
  const { to, signal } = request;
  await using folder = await stageFolder(to, request);
  await using staging = await stagingFolder(to);
  try {
    await using rows = await source.rows();
    seen.columns = rows.columns;
    const places = partitionPlaces(rows.columns, names);
    const files = await writeRows(job, { rows, places, folder: { ...folder, tempFolder: staging.folder } });
    const report = reportOf(job, totalOf(files), { files: files.map((file) => ({ ...file, path: join(to, file.path) })) });
    const partitionBy = places.map((place) => rows.columns[place]?.name ?? "");
    const meta = metaOf(job, report, { partitionBy, files });
    if (meta !== undefined) await fillFile({ path: to, temp: join(folder.folder, folderMeta), chunks: once(meta), signal });
    signal.throwIfAborted();
    await folder.publish(files);
    return report;
  } catch (error) {
    throw inTermsOf(to, staging.folder, error);
  }
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

interface Partitioning {
  readonly rows: RowStream;
  /** Where the columns to partition by stand. */
  readonly places: readonly number[];
  readonly folder: Parameters<typeof createParts>[2];
}

async function writeRows(job: Job, { rows, places, folder }: Partitioning): Promise<readonly WrittenFile[]> {
  const others = [...rows.columns.keys()].filter((place) => !places.includes(place));
  const columns = others.flatMap((place) => rows.columns[place] ?? []);
  const parts = createParts(job, columns, folder);
  const groups = createGroups({ columns: rows.columns, places, others });
  const spool = createSpool(folder.tempFolder);
  const tell = () => {
    job.seen.bytes = parts.bytes;
    job.request.onProgress?.(job.seen);
  };
  /** The first folders are written at once; rows of others wait until these are complete. */
  const flush = async () => {
    const waiting: (readonly [string, Batch])[] = [];
    for (const group of groups.take()) {
      if (parts.hasRoom(group[0])) await parts.write(...group);
      else waiting.push(group);
    }
    await spool.put(waiting);
    tell();
  };
  try {
    for await (const batch of counted(job, rows)) {
      groups.add(batch);
      if (groups.full) await flush();
    }
    await flush();
    await parts.close();
    for await (const bucket of spool.read()) {
      for await (const group of gathered(bucket)) await parts.write(...group);
      await parts.close();
      tell();
    }
    return parts.files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  } catch (error) {
    await parts.leave();
    throw error;
  }
}

/** Small batches of one folder follow each other, as far as memory allows, so that its file is opened once. */
async function* gathered(bucket: AsyncIterable<Spooled>): AsyncGenerator<readonly [string, Batch]> {
  const held = new Map<string, Batch[]>();
  let size = 0;
  function* taken() {
    for (const [name, batches] of held) for (const batch of batches) yield [name, batch] as const;
    held.clear();
    size = 0;
  }
  for await (const { name, batch, bytes } of bucket) {
    const batches = held.get(name) ?? [];
    held.set(name, batches);
    batches.push(batch);
    size += bytes;
    if (size >= mostBytes) yield* taken();
  }
  yield* taken();
}

/** Rows gathered by the folder they belong to. */
interface Groups {
  add(batch: Batch): void;
  readonly full: boolean;
  take(): ReadonlyMap<string, Batch>;
}

interface Group {
  length: number;
  readonly columns: readonly Value[][];
}

function createGroups({
  columns,
  places,
  others,
}: {
  readonly columns: readonly Column[];
  readonly places: readonly number[];
  readonly others: readonly number[];
}): Groups {
  const folders = new Map<string, string>();
  let groups = new Map<string, Group>();
  let [rows, bytes] = [0, 0];
  const folderOf = (batch: Batch, row: number): string => {
    const values = places.map((place) => batch.columns[place]?.[row]);
    const key = values.map(keyOf).join("");
    const known = folders.get(key);
    if (known !== undefined) return known;
    const name = values.map((value, index) => folderName(columns[places[index] ?? 0]?.name ?? "", value)).join("/");
    folders.set(key, name);
    return name;
  };
  const groupOf = (name: string): Group => {
    const found = groups.get(name) ?? { length: 0, columns: others.map(() => []) };
    groups.set(name, found);
    return found;
  };
  return {
    add(batch) {
      for (let row = 0; row < batch.length; row++) {
        const group = groupOf(folderOf(batch, row));
        group.length++;
        for (const [index, place] of others.entries()) {
          const value = batch.columns[place]?.[row] ?? null;
          group.columns[index]?.push(value);
          bytes += sizeOf(value);
        }
      }
      rows += batch.length;
    },
    get full() {
      return rows >= mostRows || bytes >= mostBytes;
    },
    take() {
      const taken = groups;
      groups = new Map();
      [rows, bytes] = [0, 0];
      return taken;
    },
  };
}

/** The same for values of one text; lengths keep a text from running into the next. */
function keyOf(value: Value | undefined): string {
  const text = cellText(value);
  return text === undefined ? "-" : `${text.length}:${text}`;
}

/** About what a value takes in memory; lists and records are counted as one. */
function sizeOf(value: Value): number {
  if (typeof value === "string") return value.length + 8;
  return value instanceof Uint8Array ? value.length + 8 : 8;
}
