import { randomUUID } from "node:crypto";
import { constants, existsSync, readFileSync, realpathSync } from "node:fs";
import { chmod, copyFile, mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { problem } from "../problem.ts";

/** The text of a file, empty when there is none. @throws CONFIG_INVALID when it cannot be read */
export function readSettings(path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return "";
    const why = error instanceof TypeError ? "it is not UTF-8 text" : `the system says ${code ?? "no more"}`;
    throw problem("CONFIG_INVALID", `Cannot read ${path}: ${why}`, "Correct the file, then try again", error);
  }
}

/** A text apart from its byte order mark, which some editors write and no parser wants. */
export function withoutMark(text: string): readonly [mark: string, bare: string] {
  const length = text.startsWith("\u{feff}") ? 1 : 0;
  return [text.slice(0, length), text.slice(length)];
}

/**
 * Replaces a file in one step, and keeps what was there beside it; returns the path of that copy.
 * @throws CONFLICT when the file no longer holds `before`, INPUT_INVALID when it cannot be written.
 */
export async function replaceSettings(path: string, before: string, after: string, now: Date): Promise<string | undefined> {
  try {
    // A link, as dotfiles often are, stays a link.
    const real = existsSync(path) ? realpathSync(path) : path;
    await mkdir(dirname(real), { recursive: true });
    const backup = existsSync(real) ? await keep(real, now) : undefined;
    const temporary = `${real}.${randomUUID()}.tmp`;
    try {
      await writeFile(temporary, after, { flag: "wx" });
      if (backup !== undefined) await chmod(temporary, (await stat(real)).mode & 0o777);
      if (readSettings(real) !== before)
        throw problem("CONFLICT", `${path} was changed by another program just now`, "Quit the client, then try again");
      await rename(temporary, real);
    } finally {
      await rm(temporary, { force: true });
    }
    return backup;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || code === "CONFLICT" || code === "CONFIG_INVALID") throw error;
    throw problem("INPUT_INVALID", `Cannot write ${path}: the system says ${code}`, "Give yourself the right to write there", error);
  }
}

/** A copy with the time in its name; never in the place of another. */
async function keep(path: string, now: Date): Promise<string> {
  const time = now.toISOString().slice(0, 19).replaceAll(":", "-");
  for (let count = 1; ; count++) {
    const copy = `${path}.${time}${count === 1 ? "" : `-${count}`}.bak`;
    try {
      await copyFile(path, copy, constants.COPYFILE_EXCL);
      return copy;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}
