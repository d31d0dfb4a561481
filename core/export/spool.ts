import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import type { Batch } from "../contract/rows.ts";
import { createTaker } from "./bytes.ts";
import { diskProblem } from "./disk-problem.ts";
import { writeAll } from "./sink.ts";

const buckets = 64;

export interface Spooled {
  readonly name: string;
  readonly batch: Batch;
  /** On the disk. */
  readonly bytes: number;
}

/** Rows that wait on the disk, by their names, because too many names are about at once. */
export interface Spool {
  put(groups: Iterable<readonly [name: string, batch: Batch]>): Promise<void>;
  /** Bucket by bucket: all rows of a name are in one, in their order. */
  read(): AsyncGenerator<AsyncIterable<Spooled>>;
}

/** Keeps its files in `folder`; whoever made that empties it. */
export function createSpool(folder: string): Spool {
  const used = new Set<string>();
  return {
    async put(groups) {
      const records = new Map<string, Buffer[]>();
      for (const [name, batch] of groups) {
        const path = join(folder, `spool-${bucketOf(name)}`);
        const record = serialize([name, batch]);
        const size = Buffer.alloc(4);
        size.writeUInt32LE(record.length);
        records.set(path, [...(records.get(path) ?? []), size, record]);
      }
      for (const [path, parts] of records) {
        used.add(path);
        await using file = await open(path, "a", 0o600).catch(diskProblem(path));
        await writeAll(file, Buffer.concat(parts)).catch(diskProblem(path));
      }
    },
    async *read() {
      for (const path of used) yield recordsOf(path);
    },
  };
}

async function* recordsOf(path: string): AsyncGenerator<Spooled> {
  const take = createTaker(createReadStream(path, { highWaterMark: 2 ** 20 }));
  for (let size = await take(4, "or none"); size.length > 0; size = await take(4, "or none")) {
    const bytes = size.readUInt32LE();
    const [name, batch]: [string, Batch] = deserialize(await take(bytes));
    yield { name, batch, bytes };
  }
}

/** Spreads names evenly, the same one always to the same place. */
function bucketOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return (hash >>> 8) % buckets;
}
