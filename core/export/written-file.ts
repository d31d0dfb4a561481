import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { EncodeOptions } from "../contract/export.ts";
import { diskProblem } from "./disk-problem.ts";

/** Streams a file that something else writes into a private folder, which is gone afterwards. */
export async function* fileWritten(
  { tempFolder }: Pick<EncodeOptions, "tempFolder">,
  write: (path: string, folder: string) => Promise<void>,
): AsyncGenerator<Uint8Array> {
  const folder = await mkdtemp(join(tempFolder, "rows-")).catch(diskProblem(tempFolder));
  try {
    const path = join(folder, "rows");
    await write(path, folder);
    yield* createReadStream(path, { highWaterMark: 1024 * 1024 });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
