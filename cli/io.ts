import type { Readable } from "node:stream";

/** The world a command runs in. Data goes to `out`, everything else to `note`. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly version: string;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Set when standard output is a terminal. */
  readonly terminal?: { readonly width: number; readonly colour: boolean } | undefined;
  /** True when standard error is a terminal: progress may be drawn there. */
  readonly lively: boolean;
  /** Aborts on the first Ctrl-C, SIGTERM or SIGHUP, and when standard output cannot be written. */
  readonly signal: AbortSignal;
  /** How to start this program again. */
  readonly self: readonly string[];
  /** Writes data and waits until the reader has room; nothing once the reader is gone, see `closed`. @throws LIMIT_EXCEEDED when the disk is full */
  out(data: Uint8Array | string): Promise<void>;
  /** True once whoever read standard output has gone. */
  readonly closed: boolean;
  /** Writes one line for a person to standard error; nothing when the command was told to be quiet. */
  note(line: string): void;
  /** Draws over the current line of standard error; for progress only. */
  redraw(line: string): void;
}
