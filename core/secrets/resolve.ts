import type { Secret } from "../contract/driver.ts";
import { problem } from "../problem.ts";
import { cmd } from "./cmd.ts";
import { env } from "./env.ts";
import { file } from "./file.ts";
import { keyring } from "./keyring.ts";
import type { Provider, Source } from "./provider.ts";
import { createSecret } from "./secret.ts";

/** Every place a secret can be kept in. */
const providers: Readonly<Record<string, Provider>> = { env, file, cmd, keyring };

/** The ways to write a reference, for messages. */
export const referenceForms: readonly string[] = Object.entries(providers).map(([name, { form }]) => `${name}:${form}`);

const limitMillis = 30_000;

/** A text that says where a secret is, taken apart. */
export interface Reference {
  readonly provider: string;
  readonly name: string;
  /** False when what follows the colon cannot be a name there. */
  readonly valid: boolean;
}

/** Takes a reference apart; `undefined` for a text that is none, and so would be the secret itself. */
export function readReference(text: string): Reference | undefined {
  const [, name = "", rest = ""] = /^(\w+):\s*(.*?)\s*$/s.exec(text) ?? [];
  const provider = Object.hasOwn(providers, name) ? providers[name] : undefined;
  return provider && { provider: name, name: rest, valid: provider.accepts(rest) };
}

/** A reference as anyone may see it; `undefined` when the text could be the secret itself. */
export function showReference(text: string): string | undefined {
  const reference = readReference(text);
  if (reference === undefined || !reference.valid) return undefined;
  const { provider, name } = reference;
  return `${provider}:${providers[provider]?.show?.(name) ?? name}`;
}

const plain = "text:";

/** Marks a text as the secret itself, whatever it looks like; the mark is left out where it says nothing. */
export function literal(text: string): string {
  return readReference(text) !== undefined || text.startsWith(plain) ? plain + text : text;
}

export interface Secrets {
  /** Reads what a text refers to, anew each time; calls at the same time share one reading. @throws SECRET_UNAVAILABLE */
  read(text: string, from: { readonly folder: string; readonly signal: AbortSignal }): Promise<Secret>;
}

interface Reading {
  readonly secret: Promise<Secret>;
  readonly stop: AbortController;
  waiting: number;
}

export function createSecrets(deps: Pick<Source, "env" | "home" | "warn">): Secrets {
  const readings = new Map<string, Reading>();
  const warned = new Set<string>();
  const warn = (message: string) => {
    if (!warned.has(message)) deps.warn(message);
    warned.add(message);
  };

  const begin = (key: string, { provider, name }: Reference, folder: string): Reading => {
    const stop = new AbortController();
    const secret = timed(providers[provider] as Provider, name, { ...deps, warn, folder, signal: stop.signal });
    const reading = { secret, stop, waiting: 0 };
    readings.set(key, reading);
    return reading;
  };

  return {
    async read(text, { folder, signal }) {
      signal.throwIfAborted();
      const reference = readReference(text);
      if (reference === undefined) return createSecret(text.startsWith(plain) ? text.slice(plain.length) : text);
      const key = `${folder}\0${text}`;
      const reading = readings.get(key) ?? begin(key, reference, folder);
      reading.waiting++;
      try {
        return await orLeave(reading.secret, signal);
      } finally {
        if (--reading.waiting === 0) {
          reading.stop.abort(signal.reason);
          if (readings.get(key) === reading) readings.delete(key);
        }
      }
    },
  };
}

async function timed(provider: Provider, name: string, source: Source): Promise<Secret> {
  const limit = AbortSignal.timeout(limitMillis);
  try {
    return createSecret(finished(await provider.read(name, { ...source, signal: AbortSignal.any([source.signal, limit]) })));
  } catch (error) {
    if (!limit.aborted || source.signal.aborted) throw error;
    throw problem(
      "SECRET_UNAVAILABLE",
      `No secret came within ${limitMillis / 1000} seconds`,
      "Unlock the keyring or sign in to the program that holds it, then try again",
      error,
    );
  }
}

/** What a file or a program writes ends with a newline that is not part of the secret. */
function finished(value: string | Uint8Array): string {
  const text = typeof value === "string" ? value : decoded(value).replace(/\r?\n$/, "");
  if (text === "") throw problem("SECRET_UNAVAILABLE", "The secret is empty", "Store it again");
  if (text.includes("\0")) throw problem("SECRET_UNAVAILABLE", "The secret holds a NUL character", "Store it as plain text");
  return text;
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw problem("SECRET_UNAVAILABLE", "The secret is not UTF-8 text", "Store it as UTF-8");
  }
}

async function orLeave<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise: left, reject } = Promise.withResolvers<never>();
  const leave = () => reject(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  try {
    return await Promise.race([work, left]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
