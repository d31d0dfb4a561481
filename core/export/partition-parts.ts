import type { Batch, Column } from "../contract/rows.ts";
import type { WrittenFile } from "../contract/tool.ts";
import { problem } from "../problem.ts";
import { encodeOptions, type Job, streamOf } from "./job.ts";
import { openPart, type Part } from "./part.ts";
import type { StagedFolder } from "./partition-folder.ts";

/** Files that are written at a time. A zstd stream holds megabytes. */
const mostOpen = { zst: 16, other: 64 };
const closedAtOnce = 8;
/** Beyond this somebody partitions by what is no partition, or in an order that opens each folder again and again. */
const mostFiles = 20_000;

/** The files of all folders: few of them open, each closed one complete. */
export interface Parts {
  /** Whether rows of this folder can be written without completing the file of another. */
  hasRoom(folder: string): boolean;
  write(folder: string, batch: Batch): Promise<void>;
  /** Completes all that are open. */
  close(): Promise<void>;
  readonly files: readonly WrittenFile[];
  leave(): Promise<void>;
  /** Of all files so far. */
  readonly bytes: number;
}

interface Open {
  readonly path: string;
  readonly part: Part<Batch>;
  rows: number;
}

/** `tempFolder` is for formats that stage; a file's path is that in the folder. */
export function createParts(job: Job, columns: readonly Column[], folder: StagedFolder & { readonly tempFolder: string }): Parts {
  const { exporter, compression, request } = job;
  const options = encodeOptions(job, folder.tempFolder);
  const ending = `${exporter.extensions[0] ?? exporter.format}${compression === undefined ? "" : `.${compression}`}`;
  const most = compression === "zst" ? mostOpen.zst : mostOpen.other;
  /** By folder, the least recently used first. */
  const open = new Map<string, Open>();
  const counts = new Map<string, number>();
  const files: WrittenFile[] = [];

  const close = async (name: string) => {
    const found = open.get(name);
    if (found === undefined) return;
    const { bytes, sha256 } = await found.part.end();
    open.delete(name);
    files.push({ path: found.path, rows: found.rows, bytes, sha256 });
  };
  /** Some at a time, because each waits for the disk; one, where the format has all its work to do then. */
  const closeOldest = async (count: number) => {
    const names = [...open.keys()].slice(0, count);
    const together = exporter.staged ? 1 : closedAtOnce;
    for (let at = 0; at < names.length; at += together) await Promise.all(names.slice(at, at + together).map(close));
  };
  const begin = async (name: string): Promise<Open> => {
    if (open.size >= most) await closeOldest(1);
    if (files.length + open.size >= mostFiles)
      throw problem(
        "LIMIT_EXCEEDED",
        `The result would make more than ${mostFiles} files`,
        `Order the statement by ${request.partitionBy?.join(", ")}, or choose columns with fewer values`,
      );
    const number = counts.get(name) ?? 0;
    counts.set(name, number + 1);
    const path = `${name}/part-${number}.${ending}`;
    const encode = (batches: AsyncIterable<Batch>) => exporter.encode(streamOf(columns, batches), options);
    const temp = await folder.grow(path);
    return { path, part: openPart({ path: `${request.to}/${path}`, temp, compression, encode, signal: request.signal }), rows: 0 };
  };
  return {
    hasRoom: (name) => open.has(name) || open.size < most,
    async write(name, batch) {
      const found = open.get(name) ?? (await begin(name));
      // Last in, as the most recently used.
      open.delete(name);
      open.set(name, found);
      await found.part.give(batch);
      found.rows += batch.length;
    },
    close: () => closeOldest(open.size),
    files,
    async leave() {
      await Promise.all([...open.values()].map(({ part }) => part.leave()));
    },
    get bytes() {
      let bytes = 0;
      for (const { part } of open.values()) bytes += part.bytes;
      return files.reduce((sum, file) => sum + file.bytes, bytes);
    },
  };
}
