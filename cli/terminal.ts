import { readFileSync } from "node:fs";
import { type Problem, problem } from "../core/problem.ts";
import type { Io } from "./io.ts";

/** A command's world, and what only the one who runs the command does with it. */
export interface Terminal {
  readonly io: Io;
  /** Takes over what the command's options say of its output. */
  configure(options: { readonly quiet?: boolean; readonly color?: boolean }): void;
  /** Waits until everything is written. @throws LIMIT_EXCEEDED when the disk is full, CONNECTION_FAILED when it cannot be written otherwise */
  flush(): Promise<void>;
  /** Gives the signal handlers back. */
  close(): void;
}

/** Builds the world of a command from this process. */
export function createTerminal({ version }: { readonly version: string }): Terminal {
  const { env, stderr } = process;
  const stop = new AbortController();
  const cancel = () => stop.abort(problem("CANCELLED", "Cancelled"));
  const output = createOutput(stop);
  const signals = listen(cancel, () => (stop.signal.aborted ? process.exit(130) : cancel()));
  let quiet = false;
  let colour = (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
  stderr.on("error", () => undefined); // There is no place left to say it.
  const io: Io = {
    env,
    cwd: process.cwd(),
    version,
    stdin: process.stdin,
    get terminal() {
      return process.stdout.isTTY ? { width: process.stdout.columns || 80, colour } : undefined;
    },
    get lively() {
      return stderr.isTTY === true && !quiet;
    },
    signal: stop.signal,
    self: selfCommand(),
    out: output.write,
    get closed() {
      return output.closed();
    },
    note(line) {
      if (!quiet) stderr.write(`${line}\n`);
    },
    redraw(line) {
      if (io.lively) stderr.write(`\r\u001b[K${line}`);
    },
  };
  return {
    io,
    configure(options) {
      quiet = options.quiet ?? false;
      colour &&= options.color ?? true;
    },
    async flush() {
      await new Promise<void>((done) => stderr.write("", () => done()));
      await output.flush();
    },
    close: signals.close,
  };
}

/** Standard output: a reader that went away is no error, a full disk is one. Either stops the command. */
function createOutput(stop: AbortController) {
  const { stdout } = process;
  let closed = false;
  let failure: Problem | undefined;
  const fail = (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || (error.code === "EIO" && stdout.isTTY)) {
      closed = true;
      stop.abort(problem("CANCELLED", "The reader of the output has gone"));
    } else {
      failure ??= unwritable(error);
      stop.abort(failure);
    }
  };
  stdout.on("error", fail);
  const put = (data: Uint8Array | string, waits: boolean) =>
    new Promise<void>((resolve) => {
      const room = stdout.write(data, (error) => {
        if (error) fail(error);
        resolve();
      });
      if (room && !waits) resolve();
    }).catch(fail);
  const checked = async (data: Uint8Array | string, waits = false) => {
    if (!closed && failure === undefined) await put(data, waits);
    if (failure !== undefined) throw failure;
  };
  return { write: (data: Uint8Array | string) => checked(data), flush: () => checked("", true), closed: () => closed };
}

function unwritable(error: NodeJS.ErrnoException): Problem {
  if (["ENOSPC", "EDQUOT", "EFBIG"].includes(error.code ?? ""))
    return problem("LIMIT_EXCEEDED", "Cannot write standard output: no space is left", "Free disk space, or write to another disk", error);
  return problem(
    "CONNECTION_FAILED",
    `Cannot write standard output: ${error.code ?? "it is closed"}`,
    "Check where the output goes",
    error,
  );
}

/** A closed window hangs up more than once, from its shell and its kernel; only a second Ctrl-C is impatience. */
function listen(cancel: () => void, interrupt: () => void): { close(): void } {
  const handlers: readonly (readonly [NodeJS.Signals, () => void])[] = [
    ["SIGINT", interrupt],
    ["SIGTERM", interrupt],
    ...(hangupIgnored() ? [] : [["SIGHUP", cancel] as const]),
  ];
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return {
    close() {
      for (const [signal, handler] of handlers) process.off(signal, handler);
    },
  };
}

/** True under `nohup`, which a handler would undo. Without /proc, no terminal at the outputs is taken for it. */
function hangupIgnored(): boolean {
  try {
    const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
    return (Number.parseInt(ignored.slice(-1), 16) & 1) === 1;
  } catch {
    // Not Linux: the disposition cannot be read.
    return !process.stdout.isTTY && !process.stderr.isTTY;
  }
}

/** The compiled binary is its own program; from source, the runtime needs to be told what to run. */
export function selfCommand(): string[] {
  if (import.meta.url.includes("$bunfs") || import.meta.url.includes("~BUN")) return [process.execPath];
  const main = new URL("./main.ts", import.meta.url).pathname;
  return "Deno" in globalThis ? [process.execPath, "run", "-A", main] : [process.execPath, main];
}
