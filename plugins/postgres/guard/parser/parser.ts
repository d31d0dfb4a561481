import type { EventEmitter } from "node:events";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setImmediate, setTimeout } from "node:timers";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import type { Answer, Ask, Given } from "./worker.ts";

/** A text as the grammar of PostgreSQL reads it. */
export type Reading =
  | {
      /** The tree as JSON. */
      readonly tree: string;
      readonly fingerprint: string;
      /** The same statements in text of our own; `undefined` when they could not be written so that they are read as the same. */
      readonly text: Promise<string | undefined>;
    }
  | { readonly error: string; readonly position: number };

export interface Parser {
  read(sql: string): Promise<Reading>;
  /** The text of a tree, or `undefined` when it could not be written so that it is read as the same. */
  write(tree: string): Promise<string | undefined>;
  /** Starts the thread, which takes longer than anything else about the first text. */
  warm(): void;
}

/** The parser broke, or took too long: it was replaced, and the statement is refused. */
export class ParserFailure extends Error {}

/** How long the worker may work on one text; nearly all take less than a millisecond. It is looked at so often. */
const mostLooks = 3;
const lookMillis = 100;
/** How long a worker may take to start, or to begin, when the machine is busy with other things. */
const startMillis = 10_000;

interface Job {
  readonly ask: Ask;
  readonly answer: (answer: Answer) => void;
  readonly fail: (error: Error) => void;
  /** True once it took too long: a machine that is busy with other things deserves a second try. */
  again?: true;
}

const tooLong = "The parser took too long";

const parsers = new Map<string, Parser>();

/** The parser of this process. Its thread is started by the first connection. `folder` is the installed plugin's own; from the sources there is none. */
export function sharedParser(folder: string | undefined): Parser {
  const known = parsers.get(folder ?? "") ?? createParser(placeOf(folder));
  parsers.set(folder ?? "", known);
  return known;
}

/** Where the worker and the grammar are. */
export interface Place {
  readonly worker: URL;
  readonly wasm: string;
}

function placeOf(folder: string | undefined): Place {
  if (folder !== undefined && existsSync(join(folder, "parser.js")))
    return { worker: pathToFileURL(join(folder, "parser.js")), wasm: join(folder, "libpg-query.wasm") };
  const { resolve } = createRequire(import.meta.url);
  return { worker: new URL("./worker.ts", import.meta.url), wasm: resolve("libpg-query/wasm/libpg-query.wasm") };
}

export function createParser(place: Place): Parser {
  /** The first is being worked on; the others wait in the worker's own queue. */
  let jobs: Job[] = [];
  let worker: Worker | undefined;
  let working: Int32Array | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let turn = 0;
  let last = 0;

  const watch = (): void => {
    clearTimeout(timer);
    turn++;
    if (jobs.length === 0) return void worker?.unref();
    worker?.ref();
    look(turn, 0, 0);
  };
  /** Only time in which the worker is seen to work on the text counts against it. */
  const look = (of: number, seen: number, waited: number): void => {
    if (of !== turn) return;
    const isWorking = working !== undefined && Atomics.load(working, 0) === jobs[0]?.ask.id;
    if (seen > mostLooks || waited > startMillis) replace(new ParserFailure(tooLong));
    else timer = setTimeout(() => setImmediate(look, of, isWorking ? seen + 1 : 0, waited + lookMillis), lookMillis);
  };

  /** The statement that broke the parser fails; those behind it go to another. */
  const replace = (why: Error): void => {
    const [guilty, ...others] = jobs;
    const old = worker;
    worker = undefined;
    jobs = [];
    watch();
    (old as unknown as EventEmitter | undefined)?.removeAllListeners();
    void old?.terminate();
    for (const job of others) send(job);
    if (guilty === undefined) return;
    if (why.message !== tooLong || guilty.again) guilty.fail(why);
    else send(Object.assign(guilty, { again: true }));
  };

  const start = (): Worker => {
    working = new Int32Array(new SharedArrayBuffer(4));
    const started = new Worker(place.worker, { workerData: { wasm: place.wasm, working } satisfies Given });
    // Deno's types leave out that a worker is an emitter.
    const events = started as unknown as EventEmitter;
    events.on("message", (answer: Answer) => {
      if ("broken" in answer) return replace(new ParserFailure(`The parser failed: ${answer.broken}`));
      jobs.find(({ ask }) => ask.id === answer.id)?.answer(answer);
      watch();
    });
    events.on("error", (error: Error) => replace(new ParserFailure(`The parser failed: ${error.message}`)));
    events.on("exit", () => worker === started && replace(new ParserFailure("The parser ended")));
    return started;
  };

  const send = (job: Job): void => {
    worker ??= start();
    jobs.push(job);
    worker.postMessage(job.ask);
    if (jobs.length === 1) watch();
  };
  const done = (id: number): void => {
    jobs = jobs.filter(({ ask }) => ask.id !== id);
  };
  const written = (ask: Ask, first?: (answer: Answer) => void): Promise<string | undefined> =>
    new Promise((resolve, fail) => {
      const answer = (answer: Answer): void => {
        first?.(answer);
        if ("tree" in answer) return;
        done(ask.id);
        resolve("text" in answer ? answer.text : undefined);
      };
      send({ ask, answer, fail });
    });

  return {
    read: (sql) =>
      new Promise((resolve, reject) => {
        const text = written({ id: ++last, sql }, (answer) => {
          if ("tree" in answer) resolve({ tree: answer.tree, fingerprint: answer.fingerprint, text });
          else if ("error" in answer) resolve({ error: answer.error, position: answer.position });
        });
        text.catch(reject);
      }),
    write: (tree) => written({ id: ++last, tree }),
    warm() {
      if (worker !== undefined) return;
      worker = start();
      worker.unref();
    },
  };
}
