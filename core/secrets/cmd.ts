import { spawn } from "node:child_process";
import type { EventEmitter } from "node:events";
import { problem } from "../problem.ts";
import { commandWords } from "./command-line.ts";
import { mostSecretBytes, type Provider, type Source } from "./provider.ts";

/** How long what a program wrote may take to arrive once it has ended. */
const graceMillis = 500;

/** `cmd:op read op://vault/item`: what a program prints, run without a shell and without our standard input. */
export const cmd: Provider = {
  form: "program arguments",
  accepts: (name) => commandWords(name) !== undefined,
  show: (name) => {
    const [program = "", ...rest] = commandWords(name) ?? [];
    return rest.length === 0 ? program : `${program} [secret]`;
  },
  read: (name, source) => {
    const [program = "", ...rest] = commandWords(name) ?? [];
    return output(program, rest, source);
  },
};

async function output(program: string, rest: readonly string[], { env, folder, signal }: Source): Promise<Uint8Array> {
  // What the program says on standard error may quote the secret, so nobody listens.
  const child = spawn(program, rest, { cwd: folder, env: withoutOurs(env), stdio: ["ignore", "pipe", "ignore"], windowsHide: true });
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let patience: ReturnType<typeof setTimeout> | undefined;
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  child.stdout.on("data", (chunk: Uint8Array) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > mostSecretBytes) reject(failed(program, "printed more than 64 KB"));
  });
  // Deno's types do not say that a child process emits events.
  const events = child as unknown as EventEmitter;
  events.on("error", (error: NodeJS.ErrnoException) => reject(notStarted(program, error)));
  const end = (code: number | null, ended: NodeJS.Signals | null) => {
    if (code === 0) resolve(Buffer.concat(chunks));
    else reject(failed(program, code === null ? `was ended by ${ended}` : `failed with exit code ${code}`));
  };
  events.on("close", end);
  // A daemon that the program left behind may hold its output open for ever.
  events.on("exit", (code: number | null, ended: NodeJS.Signals | null) => {
    patience = setTimeout(() => end(code, ended), graceMillis);
  });
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", stop);
    clearTimeout(patience);
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    child.stdout.destroy();
  }
}

/** What steers the runtime inside this program is not meant for another one that happens to be made with it. */
function withoutOurs(env: Source["env"]): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("BUN_")));
}

function notStarted(program: string, error: NodeJS.ErrnoException) {
  if (error.code === "ENOENT")
    return problem("SECRET_UNAVAILABLE", `There is no program "${program}" to read the secret with`, "Install it, or name its path", error);
  return problem(
    "SECRET_UNAVAILABLE",
    `The program "${program}" could not be started: ${error.code ?? "no reason given"}`,
    "Name a program that you may run",
    error,
  );
}

function failed(program: string, how: string) {
  return problem(
    "SECRET_UNAVAILABLE",
    `The program "${program}" that reads the secret ${how}`,
    "Run the command in a terminal to see what it says",
  );
}
