import { constants, deflateRawSync } from "node:zlib";
import { Zip, ZipPassThrough } from "fflate";
import { problem } from "../problem.ts";
import { chunkBytes } from "./chunks.ts";

/** Without the zip64 extension, which fflate has not, offsets end here. */
const archiveLimit = 2 ** 32 - 2 ** 24;

/** One file inside an archive, written from front to back. Only one may be open at a time. */
export interface ArchiveFile {
  readonly bytes: number;
  write(text: string): void;
  end(): void;
}

/** A zip archive as it grows. `take` hands over what is finished. */
export interface Archive {
  file(name: string): ArchiveFile;
  end(): void;
  /** True when there is a chunk's worth to take. */
  readonly full: boolean;
  take(): Uint8Array;
}

export function createArchive(): Archive {
  const parts: Uint8Array[] = [];
  let held = 0;
  let total = 0;
  const zip = new Zip((error, part) => {
    if (error) throw error;
    parts.push(part);
    held += part.length;
    total += part.length;
    if (total > archiveLimit)
      throw problem("LIMIT_EXCEEDED", "The result does not fit a spreadsheet file of 4 GB", "Write Parquet or CSV instead");
  });
  return {
    file(name) {
      const entry = new Deflated(name);
      zip.add(entry);
      return createFile(entry);
    },
    end: () => zip.end(),
    get full() {
      return held >= chunkBytes;
    },
    take() {
      held = 0;
      return Buffer.concat(parts.splice(0));
    },
  };
}

function createFile(entry: ZipPassThrough): ArchiveFile {
  const encoder = new TextEncoder();
  let text = "";
  let bytes = 0;
  const push = (last: boolean) => {
    const chunk = encoder.encode(text);
    bytes += chunk.length;
    text = "";
    entry.push(chunk, last);
  };
  return {
    get bytes() {
      return bytes;
    },
    write(piece) {
      text += piece;
      if (text.length >= chunkBytes) push(false);
    },
    end: () => push(true),
  };
}

/** zlib's level 3: for sheets nearly as small as its default, at two thirds of the time. */
const level = 3;

/** Compresses with the native zlib, several times as fast as fflate's own: each chunk ends on a byte boundary, so that they join into one stream. */
class Deflated extends ZipPassThrough {
  override compression = 8;
  /** The same rows make the same bytes, whenever they are written. */
  override mtime = new Date(1980, 0, 1);

  protected override process(chunk: Uint8Array, final: boolean): void {
    const finishFlush = final ? constants.Z_FINISH : constants.Z_SYNC_FLUSH;
    this.ondata(null, deflateRawSync(chunk, { level, finishFlush }), final);
  }
}
