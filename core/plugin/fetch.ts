import { type Problem, problem } from "../problem.ts";
import type { OpenedFile } from "./source.ts";

/** A server that says nothing for so long is as good as gone. */
const silenceMillis = 20_000;

/** Gets a file from an offset on. Proxies and further certificates come from the environment, as the runtime's fetch reads them. */
export async function fetchBytes(url: URL, from: number, signal: AbortSignal): Promise<OpenedFile> {
  const headers = headersOf(url, from);
  const silence = createSilence();
  const both = AbortSignal.any([signal, silence.signal]);
  const address = new URL(url);
  address.username = address.password = "";
  const failed = (error: unknown): never => {
    silence.end();
    if (signal.aborted) throw signal.reason;
    throw unreachable(address, silence.signal.aborted ? `silent for ${silenceMillis / 1000} s` : reasonOf(error), error);
  };
  const response = await fetch(address, { signal: both, headers }).catch(failed);
  if (!response.ok) {
    silence.end();
    await response.body?.cancel();
    throw refused(address, response.status);
  }
  return { from: startOf(response, from), bytes: readBody(response, silence, failed) };
}

async function* readBody(response: Response, silence: ReturnType<typeof createSilence>, failed: (error: unknown) => never) {
  const reader = (response.body ?? new Blob([]).stream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(failed);
      if (done) return;
      silence.reset();
      yield value;
    }
  } finally {
    silence.end();
    await reader.cancel().catch(() => undefined); // The connection may have gone first.
  }
}

/** `Accept-Encoding: identity`, because sizes, offsets and hashes are those of the stored file. */
function headersOf({ username, password }: URL, from: number): Record<string, string> {
  const login = `${decoded(username)}:${decoded(password)}`;
  return {
    "accept-encoding": "identity",
    ...(from > 0 && { range: `bytes=${from}-` }),
    ...(login !== ":" && { authorization: `Basic ${Buffer.from(login).toString("base64")}` }),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // What it holds is not repeated, also not as a cause: it is a password.
    throw problem("INPUT_INVALID", 'The registry\'s user or password holds a "%" that begins no escape', 'Write "%25" for a plain "%"');
  }
}

/** A server that ignores the range sends the whole file. */
function startOf(response: Response, asked: number): number {
  if (response.status !== 206) return 0;
  const start = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1];
  return start === undefined ? asked : Number(start);
}

function createSilence() {
  const controller = new AbortController();
  const start = () => setTimeout(() => controller.abort(), silenceMillis);
  let timer = start();
  return {
    signal: controller.signal,
    reset() {
      clearTimeout(timer);
      timer = start();
    },
    end: () => clearTimeout(timer),
  };
}

function reasonOf(error: unknown): string {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  const named = code ?? cause?.code;
  return typeof named === "string" ? named : "the connection failed";
}

function unreachable(address: URL, why: string, cause: unknown): Problem {
  const hint = /CERT|SIGNED|SSL|TLS/.test(why)
    ? "Name the certificate file of your network in NODE_EXTRA_CA_CERTS"
    : "Check the network and HTTPS_PROXY, or name another registry with --registry";
  return problem("CONNECTION_FAILED", `Cannot reach the plugin registry at ${address.host}: ${why}`, hint, cause);
}

function refused(address: URL, status: number): Problem {
  const what = `The plugin registry answered ${status} to ${address.origin}${address.pathname}`;
  if (status === 404 || status === 410) return problem("NOT_FOUND", what, "Name an address that holds index.json, with --registry");
  if (status === 401 || status === 403 || status === 407) return problem("FORBIDDEN", what, "Check the user and password in the address");
  return problem("CONNECTION_FAILED", what, "Try again later, or name another registry with --registry");
}
