import { createReadStream } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Problem, problem } from "../problem.ts";
import { redactTarget } from "../secrets/redact.ts";
import { fetchBytes } from "./fetch.ts";

/** Bytes of a file and the place in it where they begin: a server may not be able to start where it was asked to. */
export interface OpenedFile {
  readonly from: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** A registry's folder, wherever it is. */
export interface Source {
  /** As it may be shown and remembered: without a password. */
  readonly location: string;
  /** @throws CONNECTION_FAILED when it cannot be reached, NOT_FOUND when it has no such file */
  open(file: string, from: number, signal: AbortSignal): Promise<OpenedFile>;
}

/** Reads an `http(s)://` or `file://` address, or a folder's path. @throws INPUT_INVALID */
export function sourceAt(location: string): Source {
  const shown = redactTarget(location);
  const scheme = /^([a-z]+):\/\//i.exec(location)?.[1]?.toLowerCase();
  if (scheme === undefined) return folderSource(location);
  const path = scheme === "file" ? pathOf(location) : undefined;
  if (path !== undefined) return folderSource(path);
  if ((scheme !== "http" && scheme !== "https") || !URL.canParse(location)) {
    throw problem("INPUT_INVALID", `Cannot use the registry "${shown}": wanted http, https, file or a folder`, "Correct --registry");
  }
  const base = location.replace(/\/+$/, "");
  return {
    location: shown.replace(/\/+$/, ""),
    open: (file, from, signal) => fetchBytes(new URL(`${base}/${file}`), from, signal),
  };
}

/** The path of a `file://` address; `undefined` for another machine's, and for one that names no path. */
function pathOf(address: string): string | undefined {
  try {
    return fileURLToPath(address);
  } catch {
    return undefined;
  }
}

function folderSource(folder: string): Source {
  return {
    location: folder,
    async open(file, from) {
      const stream = createReadStream(join(folder, file), { start: from });
      await new Promise<void>((opened, failed) => stream.once("open", () => opened()).once("error", failed)).catch((error) => {
        throw unreadable(folder, file, error);
      });
      return { from, bytes: stream };
    },
  };
}

/** Reads a whole small file. @throws PLUGIN_INVALID when it is larger than `most` */
export async function readWhole(source: Source, file: string, most: number, signal: AbortSignal): Promise<Uint8Array> {
  const { bytes } = await source.open(file, 0, signal);
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of bytes) {
    length += piece.length;
    if (length > most) {
      throw problem(
        "PLUGIN_INVALID",
        `Cannot use the registry ${source.location}: "${file}" is larger than ${most} bytes`,
        "Name another one",
      );
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function unreadable(folder: string, file: string, error: NodeJS.ErrnoException): Problem {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") {
    return problem("NOT_FOUND", `The registry "${folder}" has no "${file}"`, "Name a folder or address that holds index.json", error);
  }
  return problem(
    "CONNECTION_FAILED",
    `Cannot read "${file}" in the registry "${folder}": the system says ${error.code}`,
    "Check the folder and its rights",
    error,
  );
}
