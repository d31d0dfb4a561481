import { selfCommand } from "./terminal.ts";

/** Enough for every connection's statements at once, and for the files that exports write beside them. */
const threads = "64";

/**
 * Starts this program again, in the same process, with more native threads. The runtime has as many as the machine
 * has cores and reads the number before our code runs; DuckDB holds one for as long as a statement takes, so that a
 * few slow ones would stop everything else, files included.
 */
export function withEnoughThreads(args: readonly string[]): void {
  const { execve, env, platform } = process;
  if (env.UV_THREADPOOL_SIZE !== undefined || execve === undefined || platform === "win32") return;
  const [program = process.execPath, ...before] = selfCommand();
  execve(program, [program, ...before, ...args], { ...env, UV_THREADPOOL_SIZE: threads });
}
