import { join } from "node:path";
import { cachePlaces, claimFolder } from "./place.ts";
import { type NativeFile, unpack } from "./unpack.ts";

/** DuckDB as the build put it into the binary; the first file is the one to load. */
export interface EmbeddedNatives {
  /** Folder name that no other content uses: version and hash. */
  readonly folder: string;
  readonly files: readonly [NativeFile, ...NativeFile[]];
}

/**
 * Unpacks DuckDB into the first cache folder that can hold and run it, and loads it.
 * It is synchronous because `@duckdb/node-api` needs its bindings while it is being imported.
 */
export function loadEmbedded({ folder, files }: EmbeddedNatives): unknown {
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
      if (missing && !files.some((file) => file.name === missing)) throw needsSystemLibrary(missing, error);
      reasons.push(`${place.base}: ${reason}`);
    }
  }
  throw diagnosed(
    `Cannot unpack DuckDB: ${reasons.join("; ")}`,
    "Set TIDEGATE_CACHE_DIR to a folder of your own, on a disk that has 100 MB free and may run programs",
  );
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

function needsSystemLibrary(library: string, cause: unknown): Error {
  return diagnosed(
    `Cannot load DuckDB: the system library ${library} is missing`,
    "Install the C++ runtime: `apt-get install libstdc++6` on Debian and Ubuntu, `apk add libstdc++` on Alpine, `dnf install libstdc++` on Fedora",
    cause,
  );
}

function diagnosed(message: string, hint: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { diagnosis: { code: "CONNECTION_FAILED", message, hint, retryable: false } });
}
