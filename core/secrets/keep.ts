import { randomUUID } from "node:crypto";
import { chmod, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { problem } from "../problem.ts";

/** Keeps a secret in a file for its owner only, and returns the path. The file appears whole or not at all. */
export async function keepInFile(folder: string, name: string, secret: string): Promise<string> {
  const path = join(folder, name);
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // A folder that was there keeps its mode otherwise.
    await chmod(folder, 0o700);
    await writeFile(temporary, secret, { mode: 0o600, flag: "wx" });
    await rename(temporary, path);
    return path;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // What went wrong first is told.
    throw unwritable(folder, error as NodeJS.ErrnoException);
  }
}

/** True when there was such a file. */
export async function removeFile(folder: string, name: string): Promise<boolean> {
  try {
    await rm(join(folder, name));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw unwritable(folder, error as NodeJS.ErrnoException);
  }
}

function unwritable(folder: string, error: NodeJS.ErrnoException) {
  const why = `Cannot write to the folder "${folder}": the system says ${error.code ?? "no more"}`;
  return problem("SECRET_UNAVAILABLE", why, "Give yourself the right to write there, or keep the secret in the keyring", error);
}
