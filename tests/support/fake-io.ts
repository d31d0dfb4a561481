import { Readable } from "node:stream";
import type { Io } from "../../cli/io.ts";

/** A command's world that keeps what was printed: `data` is standard output, `notes` standard error. */
export function fakeIo({ cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>> }) {
  const data: string[] = [];
  const notes: string[] = [];
  const io: Io = {
    env,
    cwd,
    version: "0.0.0",
    stdin: Readable.from([]),
    lively: false,
    signal: new AbortController().signal,
    self: [],
    closed: false,
    async out(text) {
      data.push(typeof text === "string" ? text : new TextDecoder().decode(text));
    },
    note: (line) => void notes.push(line),
    redraw: () => undefined,
  };
  return { io, data: () => data.join(""), notes: () => notes, printed: () => [...data, ...notes].join("\n") };
}
