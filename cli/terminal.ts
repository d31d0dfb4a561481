import { once } from "node:events";
import { problem } from "../core/problem.ts";
import type { Io } from "./io.ts";

/** Builds the world of a command from this process. `close` gives the signal handlers back. */
export function createIo({ args, version }: { readonly args: readonly string[]; readonly version: string }): {
  readonly io: Io;
  close(): void;
} {
  const { env, stdout, stderr } = process;
  const stop = new AbortController();
  const interrupt = () => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort(problem("CANCELLED", "Cancelled"));
  };
  let closed = false;
  const gone = () => {
    closed = true;
    stop.abort(problem("CANCELLED", "The reader of the output has gone"));
  };
  stdout.on("error", gone);
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  const quiet = args.includes("--quiet") || args.includes("-q");
  const colour = !args.includes("--no-color") && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
  const io: Io = {
    env,
    cwd: process.cwd(),
    version,
    stdin: process.stdin,
    ...(stdout.isTTY && { terminal: { width: stdout.columns || 80, colour } }),
    lively: stderr.isTTY === true && !quiet,
    signal: stop.signal,
    self: selfCommand(),
    async out(data) {
      if (closed) return;
      if (!stdout.write(data)) await Promise.race([once(stdout, "drain"), once(stdout, "error").catch(() => undefined)]);
    },
    get closed() {
      return closed;
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
    close() {
      process.off("SIGINT", interrupt);
      process.off("SIGTERM", interrupt);
    },
  };
}

/** The compiled binary is its own program; from source, the runtime needs to be told what to run. */
export function selfCommand(): string[] {
  if (import.meta.url.includes("$bunfs") || import.meta.url.includes("~BUN")) return [process.execPath];
  const main = new URL("./main.ts", import.meta.url).pathname;
  return "Deno" in globalThis ? [process.execPath, "run", "-A", main] : [process.execPath, main];
}
