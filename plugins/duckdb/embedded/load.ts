import { join } from "node:path";
import { cachePlaces, claimFolder } from "./place.ts";
import { type NativeFile, unpack } from "./unpack.ts";

/** Native code as the build put it into the binary; the first file is the one to load. */
export interface EmbeddedNatives {
  /** What it is, for messages: `DuckDB`. */
  readonly title: string;
  /** Folder name that no other content uses: version and hash. */
  readonly folder: string;
  readonly files: readonly [NativeFile, ...NativeFile[]];
}

/**
 * Unpacks native code into the first cache folder that can hold and run it, and loads it.
 * It is synchronous because packages need their bindings while they are being imported.
 */
export function loadEmbedded({ title, folder, files }: EmbeddedNatives): unknown {
  const [entry] = files;
  const reasons: string[] = [];
  for (const place of cachePlaces()) {
    try {
      const target = claimFolder(place, "native", folder);
      unpack(target, files);
      return open(join(target, entry.name));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const missing = missingSystemLibrary(reason);
      if (missing && !files.some((file) => file.name === missing)) throw needsSystemLibrary(title, missing, error);
      reasons.push(`${place.base}: ${reason}`);
    }
  }
  throw diagnosed(
    `Cannot unpack ${title}: ${reasons.join("; ")}`,
    `Set TIDEGATE_CACHE_DIR to a folder of your own, on a disk that has ${roomFor(files)} MB free and may run programs`,
  );
}

/** Rounded up, because the compressed files and the disk's own needs are not counted. */
function roomFor(files: readonly NativeFile[]): number {
  return Math.ceil(files.reduce((sum, { bytes }) => sum + bytes, 0) / 10e6) * 10;
}

function open(path: string): unknown {
  const module = { exports: {} };
  process.dlopen(module, path);
  return module.exports;
}

/** The library the system's loader looked for in vain: no other folder would help. glibc and musl word it differently. */
function missingSystemLibrary(reason: string): string | undefined {
  const glibc = /^(?:.*: )?(lib[\w+.-]+): cannot open shared object file/.exec(reason);
  const musl = /Error loading shared library (lib[\w+.-]+): No such file/.exec(reason);
  return (glibc ?? musl)?.[1];
}

function needsSystemLibrary(title: string, library: string, cause: unknown): Error {
  return diagnosed(
    `Cannot load ${title}: the system library ${library} is missing`,
    "Install the C++ runtime: `apt-get install libstdc++6` on Debian and Ubuntu, `apk add libstdc++` on Alpine, `dnf install libstdc++` on Fedora",
    cause,
  );
}

function diagnosed(message: string, hint: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { diagnosis: { code: "CONNECTION_FAILED", message, hint, retryable: false } });
}
