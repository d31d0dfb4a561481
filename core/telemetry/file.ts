import { closeSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "./log.ts";
import type { FinishedTrace } from "./span.ts";

/** Where finished calls go. `write` never throws and never waits. */
export interface TraceSink {
  write(traces: readonly FinishedTrace[]): void;
  /** Delivers what was written, within half a second. */
  close(): Promise<void>;
}

export interface TraceFileOptions {
  /** Holds `traces.jsonl` and the files it was rotated into; made on first use. */
  readonly folder: string;
  readonly maxFileBytes: number;
  /** The current file counts. */
  readonly maxFiles: number;
  readonly line: (trace: FinishedTrace) => string;
  readonly log: Log;
}

/**
 * Appends lines to a file that several processes share. Each write is one `O_APPEND` call on a freshly
 * opened file, so lines never mix and a file another process rotated away is noticed; no lock is held.
 */
export function createTraceFile({ line, log, ...place }: TraceFileOptions): TraceSink {
  let failed = false;
  let torn = false;
  return {
    write(traces) {
      const bytes = Buffer.from(`${torn ? "\n" : ""}${traces.map(line).join("")}`);
      try {
        torn = append(place, bytes) < bytes.length;
      } catch (error) {
        // Tracing must not cost an answer: say it once, keep trying, and drop what does not fit.
        if (!failed) log.warn("Traces cannot be written", { folder: place.folder, error });
        failed = true;
      }
    },
    close: () => Promise.resolve(),
  };
}

type Place = Pick<TraceFileOptions, "folder" | "maxFileBytes" | "maxFiles">;

function append(place: Place, bytes: Uint8Array): number {
  mkdirSync(place.folder, { recursive: true, mode: 0o700 });
  const path = join(place.folder, "traces.jsonl");
  if (isFull(path, bytes.length, place.maxFileBytes)) rotate(place, path);
  const file = openSync(path, "a", 0o600);
  try {
    return writeSync(file, bytes);
  } finally {
    closeSync(file);
  }
}

function isFull(path: string, more: number, maxFileBytes: number): boolean {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return size > 0 && size + more > maxFileBytes;
}

/** Two processes may both find the file full: the second then sets aside a short file, and nothing is lost. */
function rotate({ folder, maxFiles }: Place, path: string): void {
  try {
    renameSync(path, join(folder, `traces-${stamp()}-${process.pid}.jsonl`));
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const old = readdirSync(folder).filter((name) => /^traces-.*\.jsonl$/.test(name));
  for (const name of old
    .sort()
    .reverse()
    .slice(Math.max(0, maxFiles - 1)))
    rmSync(join(folder, name), { force: true });
}

/** The time to the microsecond, so that names sort by age. */
function stamp(): string {
  const millis = performance.timeOrigin + performance.now();
  const micros = String(Math.floor((millis % 1) * 1000)).padStart(3, "0");
  return `${new Date(millis).toISOString().replace(/[-:.Z]/g, "")}${micros}`;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
