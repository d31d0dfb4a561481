import { join } from "node:path";
import { resolveFolders } from "../core/config/folders.ts";
import { problem } from "../core/problem.ts";
import { keepInFile, removeFile } from "../core/secrets/keep.ts";
import { keepInKeyring, removeFromKeyring, secretName } from "../core/secrets/keyring.ts";
import { readHidden } from "./hidden.ts";
import type { Io } from "./io.ts";

export interface SecretOptions {
  readonly keyring?: boolean;
  readonly file?: boolean;
}

/** Stores a secret that is typed unseen or piped in, never an argument that other programs could see, and prints how to refer to it. */
export async function setSecret([name = "", ...more]: readonly string[], options: SecretOptions, io: Io): Promise<void> {
  if (more.length > 0)
    throw problem(
      "INPUT_INVALID",
      "Too many arguments: a secret is typed or piped in, because other programs can see arguments",
      "Give the name only: tidegate config set-secret <name>",
    );
  check(name, options);
  const secret = await readHidden(`Secret "${name}" (not shown): `, io);
  if (secret === "")
    throw problem("INPUT_INVALID", "No secret was given", `Type it, or pipe it in: tidegate config set-secret ${name} < file`);
  if (secret.includes("\0")) throw problem("INPUT_INVALID", "The secret holds a NUL character", "Give it as plain text");
  if (!options.file) await keepInKeyring(name, secret, io.signal);
  const reference = options.file ? `file:${await keepInFile(secretsFolder(io), name, secret)}` : `keyring:${name}`;
  await io.out(`${reference}\n`);
  io.note(`Stored. Refer to it in a configuration:  password: ${reference}`);
}

/** Forgets a secret that `setSecret` stored. @throws NOT_FOUND */
export async function unsetSecret(name: string, options: SecretOptions, io: Io): Promise<void> {
  check(name, options);
  const removed = options.file ? await removeFile(secretsFolder(io), name) : await removeFromKeyring(name, io.signal);
  const where = options.file ? secretsFolder(io) : "the keyring";
  if (!removed) {
    const other = options.file ? "Without --file it is looked for in the keyring" : "If it is kept in a file, add --file";
    throw problem("NOT_FOUND", `There is no secret named "${name}" in ${where}`, other);
  }
  io.note(`Removed "${name}" from ${where}.`);
}

function secretsFolder(io: Io): string {
  return join(resolveFolders(io.env, io.cwd).config, "secrets");
}

/** The name is not quoted: it could be the secret itself, in the wrong place. */
function check(name: string, { keyring, file }: SecretOptions): void {
  if (keyring && file)
    throw problem("INPUT_INVALID", "A secret is kept in the keyring or in a file, not in both", "Give one of --keyring and --file");
  if (!secretName.test(name))
    throw problem(
      "INPUT_INVALID",
      'Cannot use this name for a secret: wanted letters, digits, "_", "." or "-"',
      "For example: tidegate config set-secret sales",
    );
}
