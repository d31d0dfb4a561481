import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { problem } from "../problem.ts";
import { mostSecretBytes, type Provider } from "./provider.ts";

/** `file:/run/secrets/name`: the content of a file without its last newline. */
export const file: Provider = {
  form: "/path",
  accepts: (name) => name !== "" && !name.includes("\0"),
  async read(name, { folder, home, warn }) {
    const path = resolve(folder, home !== undefined && /^~[\\/]/.test(name) ? `${home}${name.slice(1)}` : name);
    // A pipe that nobody writes to must not be waited for.
    const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((error) => unreadable(path, error));
    try {
      const facts = await handle.stat();
      if (!facts.isFile()) throw unavailable(path, "it is not a file", wholeFile);
      if (facts.size > mostSecretBytes) throw unavailable(path, "it is bigger than 64 KB", wholeFile);
      if (isExposed(path, facts)) warn(`Everyone on this machine can read the secret in "${path}". Run: chmod 600 ${path}`);
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  },
};

const wholeFile = "Name a file that holds nothing but the secret";

/** What containers and orchestrators mount is theirs to protect; a file of our own is ours. */
function isExposed(path: string, { mode, uid }: { readonly mode: number; readonly uid: number }): boolean {
  return process.getuid?.() === uid && (mode & 0o004) !== 0 && !/^\/(var\/)?run\//.test(path);
}

const reasons: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: ["there is no such file", "Put the secret into this file, or correct its path"],
  ENOTDIR: ["there is no such file", "Put the secret into this file, or correct its path"],
  EACCES: ["it may not be read", "Give yourself the right to read it"],
  EPERM: ["it may not be read", "Give yourself the right to read it"],
};

function unreadable(path: string, error: NodeJS.ErrnoException): never {
  const [why, hint] = reasons[error.code ?? ""] ?? [`the system says ${error.code ?? "no more"}`, "Correct its path"];
  throw unavailable(path, why, hint, error);
}

function unavailable(path: string, why: string, hint: string, cause?: unknown) {
  return problem("SECRET_UNAVAILABLE", `Cannot read the secret in "${path}": ${why}`, hint, cause);
}
