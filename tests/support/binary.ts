import { spawn } from "node:child_process";
import { mkdtempSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** The compiled binary that users get. */
export const binary = resolve(import.meta.dirname, "../../dist/bin/tidegate");

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Sends this signal after so many milliseconds, or as soon as `when` appears on standard error or output. */
  readonly interrupt?: { readonly signal: NodeJS.Signals; readonly when?: RegExp; readonly afterMillis?: number };
}

/** A private folder for one test; the system's temporary folder is emptied by the system. */
export function tempFolder(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), "tidegate-test-")));
}

/** An environment of its own: no configuration, traces or caches of the person who runs the tests. */
export function privateEnvironment(folder: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? "",
    HOME: folder,
    TIDEGATE_STATE_DIR: join(folder, "state"),
    TIDEGATE_DATA_DIR: join(folder, "data"),
    TIDEGATE_CACHE_DIR: process.env.TIDEGATE_TEST_CACHE ?? join(tmpdir(), `tidegate-test-cache-${process.getuid?.() ?? 0}`),
  };
}

/** Runs the binary to its end. */
export function tidegate(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const cwd = options.cwd ?? tempFolder();
  const child = spawn(binary, args, { cwd, env: { ...privateEnvironment(cwd), ...options.env }, stdio: ["pipe", "pipe", "pipe"] });
  return new Promise((done, failed) => {
    let stdout = "";
    let stderr = "";
    const { interrupt } = options;
    const look = (text: string) => {
      if (interrupt?.when?.test(text)) child.kill(interrupt.signal);
    };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      look(stdout);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      look(stderr);
    });
    child.stdin.on("error", () => undefined); // A command that needs no input may be gone before it is written.
    child.stdin.end(options.stdin ?? "");
    if (interrupt?.afterMillis !== undefined) setTimeout(() => child.kill(interrupt.signal), interrupt.afterMillis);
    child.on("error", failed);
    child.on("close", (code) => done({ code, stdout, stderr }));
  });
}
