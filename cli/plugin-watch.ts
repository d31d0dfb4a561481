import { type ChildProcess, spawn } from "node:child_process";
import type { EventEmitter } from "node:events";
import { problem } from "../core/problem.ts";
import type { Io } from "./io.ts";

/** What the watched process says of itself: what it is at, and that it came to its end. */
export interface Said {
  readonly doing?: string;
  readonly done?: boolean;
}

/** How long after its limit a case may take to say so, when its thread is free to. */
const graceMillis = 3000;

/** Runs `args` in another process of this program and takes over its exit code. @throws TIMEOUT when it hangs, PLUGIN_INVALID when it was ended */
export async function watched(args: readonly string[], caseMillis: number, io: Io): Promise<void> {
  const [program = process.execPath, ...own] = io.self;
  const child = spawn(program, [...own, ...args], { cwd: io.cwd, stdio: ["ignore", "inherit", "inherit", "ipc"] });
  let doing = "before it was loaded";
  let done = false;
  let stuck = false;
  const patience = () => setTimeout(() => (stuck = child.kill("SIGKILL")), caseMillis + graceMillis);
  let timer = patience();
  // Deno's types do not say that a child process emits events.
  (child as unknown as EventEmitter).on("message", (said: Said) => {
    doing = said.doing ?? doing;
    done = said.done ?? done;
    clearTimeout(timer);
    timer = patience();
  });
  const cancel = () => endOf(child);
  io.signal.addEventListener("abort", cancel, { once: true });
  const { code, signal } = await ending(child);
  clearTimeout(timer);
  // Whoever came to its end has said so itself.
  if (!done) io.signal.throwIfAborted();
  if (stuck) {
    throw problem(
      "TIMEOUT",
      `The plugin blocked its thread ${doing}: the time limit of ${caseMillis / 1000} s could not end it`,
      'Use a client that does not block, or say facts.blocking and list the case under "cannot"',
    );
  }
  if (!done) {
    const how = signal === null ? `exit code ${code}` : signal;
    throw problem(
      "PLUGIN_INVALID",
      `The plugin ended the process ${doing} (${how})`,
      "Throw an error instead, and let no promise fail unheard",
    );
  }
  process.exitCode = code ?? 1;
}

function ending(child: ChildProcess): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }> {
  return new Promise((done, failed) => {
    const events = child as unknown as EventEmitter;
    events.on("error", failed);
    events.on("exit", (code, signal) => done({ code, signal }));
  });
}

/** It tidies up behind itself, unless its thread is blocked. */
function endOf(child: ChildProcess): void {
  child.kill("SIGTERM");
  setTimeout(() => child.kill("SIGKILL"), 2000).unref();
}
