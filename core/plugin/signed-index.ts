import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Problem, problem } from "../problem.ts";
import { type PluginIndex, readIndex } from "./catalogue.ts";
import { onDisk } from "./disk.ts";
import { retrying } from "./retry.ts";
import { readWhole, type Source } from "./source.ts";
import { signerOf, type TrustedKey } from "./trust.ts";

/** An index, and the name of the trusted key that signed it. */
export interface SignedIndex {
  readonly index: PluginIndex;
  readonly signer: string;
}

/** The index of one registry: fetched, checked, and remembered for the time when the registry cannot be reached. */
export interface RegistryIndex {
  readonly source: Source;
  /** The newest there is; the remembered one when the registry is down. @throws PLUGIN_INVALID when it is not signed, or older than one seen before */
  read(signal: AbortSignal): Promise<SignedIndex>;
  /** What was read last, without asking the registry. */
  remembered(): SignedIndex | undefined;
}

/** What is kept of a registry. Its own signature stands in it, so changing the file changes no trust. */
interface Memory {
  readonly location: string;
  readonly serial: number;
  readonly index: string;
  readonly signature: string;
}

const mostIndex = 16 << 20;
const mostSignature = 16 << 10;

export function createRegistryIndex(deps: {
  readonly source: Source;
  readonly keys: readonly TrustedKey[];
  /** Where memories of registries are kept. */
  readonly folder: string;
  readonly note: (line: string) => void;
}): RegistryIndex {
  const { source, keys, folder, note } = deps;
  const path = join(folder, `${createHash("sha256").update(source.location).digest("hex").slice(0, 16)}.json`);

  /** Without what was seen before there is no telling an old index from a new one, so what cannot be kept is not used. */
  const remember = (memory: Memory): void =>
    onDisk({ failed: `Cannot remember the registry in "${folder}"`, variable: "TIDEGATE_DATA_DIR" }, () => {
      const floor = readMemory(path)?.serial ?? 0;
      if (memory.serial < floor) throw rolledBack(source, memory.serial, floor);
      writeMemory(folder, path, memory);
    });
  const fetched = async (signal: AbortSignal): Promise<SignedIndex> => {
    const bytes = await readWhole(source, "index.json", mostIndex, signal);
    const signature = new TextDecoder().decode(await readWhole(source, "index.json.sig", mostSignature, signal));
    const signer = signerOf(bytes, signature, keys);
    if (signer === undefined) throw untrusted(source, keys);
    const index = readIndex(bytes);
    remember({ location: source.location, serial: index.serial, index: Buffer.from(bytes).toString(), signature });
    return { index, signer };
  };
  const remembered = (): SignedIndex | undefined => {
    const memory = readMemory(path);
    const bytes = Buffer.from(memory?.index ?? "");
    const signer = signerOf(bytes, memory?.signature ?? "", keys);
    return signer === undefined ? undefined : { index: readIndex(bytes), signer };
  };
  return {
    source,
    remembered,
    async read(signal) {
      try {
        // Index and signature are two files: a registry that is just being renewed shows one of each.
        return await retrying(
          () => fetched(signal).catch((error) => (isUntrusted(error) ? fetched(signal) : Promise.reject(error))),
          signal,
        );
      } catch (error) {
        const last = error instanceof Problem && error.code === "CONNECTION_FAILED" ? remembered() : undefined;
        if (last === undefined) throw error;
        note(`${(error as Problem).message}; using its index of ${last.index.created}`);
        return last;
      }
    },
  };
}

function isUntrusted(error: unknown): boolean {
  return error instanceof Problem && error.code === "PLUGIN_INVALID";
}

function readMemory(path: string): Memory | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Memory;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** In one step, so that another process never reads half of it. */
function writeMemory(folder: string, path: string, memory: Memory): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, JSON.stringify(memory), { mode: 0o600 });
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function untrusted({ location }: Source, keys: readonly TrustedKey[]): Problem {
  const names = keys.length === 0 ? "there is none" : keys.map(({ name }) => name).join(", ");
  return problem(
    "PLUGIN_INVALID",
    `Cannot trust the registry ${location}: its index.json was changed, or signed by another key than the trusted ones (${names})`,
    "Add the registry's public key to plugins.keys if you trust it, or name another registry with --registry",
  );
}

function rolledBack({ location }: Source, serial: number, floor: number): Problem {
  return problem(
    "PLUGIN_INVALID",
    `Cannot trust the registry ${location}: its index.json is older than one seen before (serial ${serial}, seen ${floor})`,
    "Try again later, or ask whoever runs the registry why it went back",
  );
}
