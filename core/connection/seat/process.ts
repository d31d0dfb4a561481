import { type ChildProcess, spawn } from "node:child_process";
import type { EventEmitter } from "node:events";
import type { Diagnosis } from "../../contract/problem.ts";
import { frame, frameReader } from "./frames.ts";
import type { SeatReply, SeatRequest } from "./messages.ts";

/** How long an engine may take to close before its process is ended. */
const closeMillis = 1000;

/** A child process that holds one connection. */
export interface Seat {
  /** Sends a request and waits for its reply. A cancel ends the process. */
  ask(body: Body<SeatRequest>, signal: AbortSignal): Promise<unknown>;
  ended(): boolean;
  end(): void;
}

type Body<Request> = Request extends { readonly id: number } ? Omit<Request, "id"> : never;

/** An error of a child, or about it; `diagnosis` is what the driver in the child made of it. */
export interface SeatError extends Error {
  readonly diagnosis?: Diagnosis;
}

/** An error whose meaning is known here. */
export function seatError(diagnosis: Diagnosis): SeatError {
  return Object.assign(new Error(diagnosis.message), { diagnosis });
}

type Waiting = Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>;

export function openSeat([program = process.execPath, ...args]: readonly string[]): Seat {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], env: seatEnvironment() });
  // Deno's types do not say that a child process emits events.
  const exits = child as unknown as EventEmitter;
  const waiting: Waiting = new Map();
  let last = 0;
  let gone: Error | undefined;
  const end = (why?: Error) => {
    if (gone !== undefined) return;
    gone = why ?? closedError("The connection was closed");
    process.off("exit", endQuietly);
    child.kill("SIGKILL");
    for (const { reject } of waiting.values()) reject(gone);
    waiting.clear();
  };
  const endQuietly = () => end();
  process.on("exit", endQuietly);
  listen(child, waiting);
  exits.on("error", end);
  exits.on("exit", (code: number | null, signal: string | null) =>
    end(closedError(`The engine's process ended (${signal ?? `exit code ${code}`})`)),
  );
  return {
    ended: () => gone !== undefined,
    end: endQuietly,
    async ask(body, signal) {
      signal.throwIfAborted();
      if (gone !== undefined) throw gone;
      const id = ++last;
      const abort = () => {
        waiting.get(id)?.reject(signal.reason);
        end();
      };
      signal.addEventListener("abort", abort, { once: true });
      try {
        return await new Promise((resolve, reject) => {
          waiting.set(id, { resolve, reject });
          for (const part of frame({ id, ...body })) child.stdin?.write(part);
        });
      } finally {
        waiting.delete(id);
        signal.removeEventListener("abort", abort);
      }
    },
  };
}

/** The engine tidies up behind itself, unless it is too busy to listen. */
export async function endGently(seat: Seat): Promise<void> {
  try {
    if (!seat.ended()) await seat.ask({ do: "end" }, AbortSignal.timeout(closeMillis));
  } catch {
    // Whoever closes a connection has no use for what its engine says about it.
  } finally {
    seat.end();
  }
}

function listen(child: ChildProcess, waiting: Waiting): void {
  const read = frameReader((message) => {
    const reply = message as SeatReply;
    const asked = waiting.get(reply.id);
    if (asked === undefined) return;
    if ("value" in reply) asked.resolve(reply.value);
    else asked.reject(Object.assign(new Error(reply.text), reply.failed && { diagnosis: reply.failed }));
  });
  child.stdout?.on("data", read);
  child.stdin?.on("error", () => undefined); // A dead child is reported once, by "exit".
}

function closedError(message: string): SeatError {
  return seatError({ code: "CONNECTION_FAILED", message, hint: "Run the call again: a new connection is opened by itself" });
}

/** Bun reads these before our code runs, and would run foreign code in the child. */
function seatEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(BUN_|NODE_OPTIONS$|DENO_)/.test(name));
  // Engines written in Rust log to standard output unless told not to, and it carries our frames.
  return { ...Object.fromEntries(kept), RUST_LOG: "off" };
}
