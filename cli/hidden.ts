import { text as readAll } from "node:stream/consumers";
import type { ReadStream } from "node:tty";
import { problem } from "../core/problem.ts";
import type { Io } from "./io.ts";

/** Asks for a text without showing what is typed; from a pipe, all of it but its last newline. @throws CANCELLED */
export async function readHidden(question: string, io: Io): Promise<string> {
  if (!io.stdin.isTTY) return (await readAll(io.stdin)).replace(/\r?\n$/, "");
  // A terminal's standard input is always this stream.
  const input = io.stdin as ReadStream;
  // First, so that nothing is shown that somebody types as soon as they are asked.
  input.setRawMode(true);
  io.redraw(question);
  try {
    return await typed(input, io.signal);
  } finally {
    input.setRawMode(false);
    input.pause();
    io.redraw("");
  }
}

const [enter, erase, clear] = [/[\r\n\u0004]/, /[\u007f\b]/, "\u0015"];

async function typed(input: ReadStream, signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = "";
  const take = (data: Uint8Array | string) => {
    for (const key of new TextDecoder().decode(typeof data === "string" ? new TextEncoder().encode(data) : data)) {
      if (key === "\u0003") return reject(problem("CANCELLED", "Cancelled"));
      if (enter.test(key)) return resolve(text);
      if (erase.test(key)) text = [...text].slice(0, -1).join("");
      else text = key === clear ? "" : text + key;
    }
  };
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  input.on("data", take).resume();
  try {
    return await promise;
  } finally {
    input.off("data", take);
    signal.removeEventListener("abort", stop);
  }
}
