import { compressed } from "./compress.ts";
import { createFeed } from "./feed.ts";
import type { Compression } from "./formats.ts";
import { fillFile, type Written } from "./sink.ts";

/** One file of several, written as pieces of the result are given to it. */
export interface Part<Piece> {
  /** Bytes that are on their way to the disk. */
  readonly bytes: number;
  /** Waits until the piece is encoded. Rejects with what the file failed of. */
  give(piece: Piece): Promise<void>;
  /** Finishes the file. */
  end(): Promise<Written>;
  /** Leaves it as it is; resolves when nothing writes any more. */
  leave(): Promise<void>;
}

export function openPart<Piece>(file: {
  /** What it is called in problems. */
  readonly path: string;
  readonly temp: string;
  readonly mode?: number | undefined;
  readonly compression: Compression | undefined;
  readonly encode: (pieces: AsyncIterable<Piece>) => AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}): Part<Piece> {
  const feed = createFeed<Piece>();
  let bytes = 0;
  async function* chunks() {
    for await (const chunk of compressed(file.encode(feed.items()), file.compression)) {
      bytes += chunk.length;
      yield chunk;
    }
  }
  const { path, temp, mode, signal } = file;
  const writing = fillFile({ path, temp, mode, chunks: chunks(), signal });
  writing.catch(feed.fail);
  return {
    get bytes() {
      return bytes;
    },
    give: feed.give,
    end() {
      feed.end();
      return writing;
    },
    async leave() {
      feed.fail(new DOMException("Left", "AbortError"));
      // Whoever leaves has a reason of their own to tell.
      await writing.catch(() => undefined);
    },
  };
}
