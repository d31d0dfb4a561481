import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** One line of the report: what was measured, the figure, the goal and the baseline of the same run. */
export interface Figure {
  readonly what: string;
  readonly measured: string;
  readonly goal: string;
  readonly baseline?: string;
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Runs a program to its end; seconds of wall time, peak resident memory in MiB, and its output. */
export async function runProcess(
  command: readonly string[],
  env: Record<string, string>,
  discard = false,
): Promise<{ seconds: number; peakMiB: number; stdout: string; code: number | null }> {
  const [program = "", ...args] = command;
  const started = performance.now();
  const child = spawn(program, args, { env, stdio: ["ignore", discard ? "pipe" : "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    if (!discard) stdout += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk));
  let peak = 0;
  const watch = setInterval(() => (peak = Math.max(peak, peakOf(child.pid))), 20);
  const code = await new Promise<number | null>((done) => child.on("close", done));
  clearInterval(watch);
  const seconds = (performance.now() - started) / 1000;
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${stderr}`);
  return { seconds, peakMiB: peak, stdout, code };
}

/** The kernel's own high-water mark of a running process, in MiB; 0 once it is gone. */
export function peakOf(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    // The process ended between two looks, or this system has no /proc.
    return 0;
  }
}

/** A bare JSON-RPC session over a child's pipes: nothing between the clock and the server. */
export function openSession(command: readonly string[], env: Record<string, string>) {
  const [program = "", ...args] = command;
  const child: ChildProcessWithoutNullStreams = spawn(program, args, { env });
  const waiting = new Map<number, (message: { result?: { content?: { text: string }[] }; error?: unknown }) => void>();
  let rest = "";
  let last = 0;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const message = JSON.parse(line);
      waiting.get(message.id)?.(message);
      waiting.delete(message.id);
    }
  });
  const ask = (method: string, params: unknown) =>
    new Promise<{ result?: { content?: { text: string }[] }; error?: unknown }>((done) => {
      waiting.set(++last, done);
      child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: last, method, params })}\n`);
    });
  const initialize = () =>
    ask("initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "bench", version: "1" } });
  const call = (name: string, input: object) => ask("tools/call", { name, arguments: input });
  const query = (sql: string, more: object = {}) => call("query", { sql, ...more });
  const close = () =>
    new Promise<void>((done) => {
      child.on("close", () => done());
      child.stdin.end();
    });
  return { pid: child.pid, initialize, call, query, close };
}
