import { type HttpStream, openHttp } from "@libsql/hrana-client";
import type { Secret } from "../../../core/contract/driver.ts";
import { type Args, noArgs } from "../engine.ts";
import { refusedBy, unreachable } from "./errors.ts";
import { messagesOf } from "./messages.ts";

type Batch = Parameters<HttpStream["_openCursor"]>[0];
type Entry = NonNullable<Awaited<ReturnType<Awaited<ReturnType<HttpStream["_openCursor"]>>["next"]>>>;
export type Stream = HttpStream;

/** A server that speaks Hrana over HTTP. Each stream is a session of the server's. */
export interface Hrana {
  /** Opens a stream; closing it ends what the server does for it. */
  stream(): Stream;
  /** From now on, requests end when this signal says so. */
  use(signal: AbortSignal): void;
  /** Runs steps, each if the one before it did not fail, and tells what happens as it does. Leaving the loop stops the server. */
  run(stream: Stream, steps: readonly Step[]): AsyncGenerator<Entry, void>;
  close(): void;
}

export interface Step {
  readonly sql: string;
  readonly args?: Args;
  /** Runs whatever came before: it ends the transaction. */
  readonly last?: true;
}

/** Finds out what the server speaks. @throws CONNECTION_FAILED, CREDENTIALS_REJECTED */
export async function openHrana(url: string, token: Secret | undefined, signal: AbortSignal): Promise<Hrana> {
  let current = signal;
  const client = openHttp(url, undefined, (request: Request) => fetched(request, token, current), undefined, 3);
  const version = await client.getVersion();
  return {
    stream: () => client.openStream(),
    use(signal) {
      current = signal;
    },
    async *run(stream, steps) {
      // A server of protocol 2 sends a result in one piece, and refuses one that is too large for it.
      if (version < 3) return yield* inOnePiece(stream, steps);
      const cursor = await stream._openCursor(toBatch(steps));
      try {
        for (let entry = await cursor.next(); entry !== undefined; entry = await cursor.next()) yield entry;
      } finally {
        if (!cursor.closed) cursor.close();
      }
    },
    close: () => client.close(),
  };
}

export function toStatement({ sql, args: { values, names } = noArgs }: Step): Batch["steps"][number]["stmt"] {
  const namedArgs = names?.map((name, index) => ({ name, value: values[index] })) ?? [];
  return { sql, sqlId: undefined, args: names === undefined ? [...values] : [], namedArgs, wantRows: true };
}

function toBatch(steps: readonly Step[]): Batch {
  const condition = (index: number): Batch["steps"][number]["condition"] => (index === 0 ? undefined : { type: "ok", step: index - 1 });
  return { steps: steps.map((step, index) => ({ stmt: toStatement(step), condition: step.last ? undefined : condition(index) })) };
}

/** Runs steps and tells afterwards what happened. */
export async function* inOnePiece(stream: Stream, steps: readonly Step[]): AsyncGenerator<Entry, void> {
  const batch = toBatch(steps);
  const { stepResults, stepErrors } = await stream._batch(batch);
  for (const step of batch.steps.keys()) {
    const error = stepErrors.get(step);
    const result = stepResults.get(step);
    if (error !== undefined) yield { type: "step_error", step, error };
    if (result === undefined) continue;
    yield { type: "step_begin", step, cols: result.cols };
    for (const row of result.rows) yield { type: "row", row };
    yield { type: "step_end", affectedRowCount: result.affectedRowCount, lastInsertRowid: result.lastInsertRowid };
  }
}

/** The token goes with every request, also with the one that asks for the protocol. */
async function fetched(request: Request, token: Secret | undefined, signal: AbortSignal): Promise<Response | ReturnType<typeof quiet>> {
  if (token !== undefined) request.headers.set("authorization", `Bearer ${token.reveal()}`);
  let response: Response;
  try {
    response = await fetch(once(request), { signal });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw unreachable(request.url, error);
  }
  // A server without the newest protocol says that there is no such page.
  if (response.ok && request.url.endsWith("/cursor")) return quiet(response, request.url.endsWith("-protobuf/cursor"));
  if (response.ok || (request.method === "GET" && response.status === 404)) return response;
  throw refusedBy(new URL(request.url).host, response.status, await response.text().catch(() => ""));
}

/** Deno sends a request again by itself when its connection is lost, also one that writes. It cannot where the body is a stream of ours. */
function once(request: Request): Request {
  const { body, headers, method, url } = request;
  if (process.versions.deno === undefined || body === null) return request;
  const options: RequestInit & { readonly duplex: "half" } = {
    method,
    headers,
    body: body.pipeThrough(new TransformStream()),
    duplex: "half",
  };
  return new Request(url, options);
}

/** The package leaves a body without looking at what comes of that; where the caller has left, that is an error nobody waits for. */
function quiet(response: Response, inMessages: boolean): Pick<Response, "ok" | "headers"> & { readonly body: AsyncIterable<Uint8Array> } {
  const chunks = (response.body as ReadableStream<Uint8Array>)[Symbol.asyncIterator]();
  const pieces = inMessages ? messagesOf({ [Symbol.asyncIterator]: () => chunks }) : chunks;
  const left = async () => {
    await chunks.return?.().catch(() => undefined);
    return { done: true as const, value: undefined };
  };
  return { ok: true, headers: response.headers, body: { [Symbol.asyncIterator]: () => ({ next: () => pieces.next(), return: left }) } };
}
