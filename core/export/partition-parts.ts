import type { Batch, Column } from "../contract/rows.ts";
import type { WrittenFile } from "../contract/tool.ts";
import { problem } from "../problem.ts";
import { encodeOptions, type Job, streamOf } from "./job.ts";
import { openPart, type Part } from "./part.ts";
import type { StagedFolder } from "./partition-folder.ts";

/** Files that are written at a time. A zstd stream holds megabytes. */
const mostOpen = { zst: 16, other: 64 };
/** Beyond this somebody partitions by what is no partition, or in an order that opens each folder again and again. */
const mostFiles = 20_000;

/** The files of all folders: few of them open, each closed one complete. */
export interface Parts {
  /** Whether rows of this folder can be written without opening a file. */
  isOpen(folder: string): boolean;
  write(folder: string, batch: Batch): Promise<void>;
  /** Completes all that are open. */
  end(): Promise<readonly WrittenFile[]>;
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
  const begin = async (name: string): Promise<Open> => {
    const [oldest] = open.keys();
    if (oldest !== undefined && open.size >= most) await close(oldest);
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
    isOpen: (name) => open.has(name),
    async write(name, batch) {
      const found = open.get(name) ?? (await begin(name));
      // Last in, as the most recently used.
      open.delete(name);
      open.set(name, found);
      await found.part.give(batch);
      found.rows += batch.length;
    },
    async end() {
      for (const name of [...open.keys()]) await close(name);
      return files.sort((a, b) => (a.path < b.path ? -1 : 1));
    },
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
