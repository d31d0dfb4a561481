import { parentPort, workerData } from "node:worker_threads";
import { loadGrammar, type Parse } from "./grammar.ts";
import { rewrite } from "./rewrite.ts";

/** What the parser is asked: to read a text, or to write a tree. */
export type Ask = { readonly id: number; readonly sql: string } | { readonly id: number; readonly tree: string };

/** A text that was read is answered twice: with its tree, then with the same statement in text of our own. */
export type Answer =
  | { readonly id: number; readonly tree: string; readonly fingerprint: string }
  | { readonly id: number; readonly error: string; readonly position: number }
  | { readonly id: number; readonly text: string | undefined }
  /** This worker is of no use any more. */
  | { readonly id: number; readonly broken: string };

/** Where the grammar is, and where the number of the text that is being worked on is told. */
export interface Given {
  readonly wasm: string;
  readonly working: Int32Array;
}

const tell = (answer: Answer): void => parentPort?.postMessage(answer);
const { wasm, working } = workerData as Given;
const parse: Parse = await loadGrammar(wasm);

parentPort?.on("message", (ask: Ask) => {
  Atomics.store(working, 0, ask.id);
  try {
    const tree = "sql" in ask ? read(ask.id, ask.sql) : ask.tree;
    if (tree !== undefined) tell({ id: ask.id, text: rewrite(tree, parse) });
  } catch (error) {
    tell({ id: ask.id, broken: (error as Error).message });
  }
});

function read(id: number, sql: string): string | undefined {
  const parsed = parse(sql);
  tell({ id, ...parsed });
  return "tree" in parsed ? parsed.tree : undefined;
}
