import { accessSync, constants, statSync } from "node:fs";
import type { HeldFile } from "../../../core/contract/driver.ts";
import { refusal } from "../refusal.ts";

/** The file at a path as it is now; `undefined` when there is none within reach. */
export function fileAt(path: string): HeldFile | undefined {
  if (path === ":memory:") return undefined;
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return { path, identity: `${dev}:${ino}` };
  } catch {
    // Opening it says why.
    return undefined;
  }
}

/** The engine only says that it cannot open a file, not why. @throws NOT_FOUND, INPUT_INVALID, CONNECTION_FAILED */
export function checkPath(path: string, mayBeMissing: boolean): void {
  const found = permitted(path, () => statSync(path, { throwIfNoEntry: false }));
  if (found?.isDirectory()) {
    const message = `"${path}" is a folder, not a libSQL database`;
    throw refusal({ code: "INPUT_INVALID", message, hint: "Name a database file in it" });
  }
  if (found === undefined && !mayBeMissing) {
    const hint = 'Check the path; to make a new database, open it for writing with "?create=true"';
    throw refusal({ code: "NOT_FOUND", message: `There is no database file "${path}"`, hint });
  }
  if (found !== undefined) permitted(path, () => accessSync(path, constants.R_OK));
}

function permitted<Found>(path: string, look: () => Found): Found {
  try {
    return look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const denied = code === "EACCES" || code === "EPERM";
    const message = `Cannot read "${path}": ${denied ? "permission denied" : `the path cannot be followed (${code})`}`;
    const hint = denied ? "Run as a user who may read the file and enter the folders above it" : "Check the path";
    throw refusal({ code: "CONNECTION_FAILED", message, hint, retryable: false }, error);
  }
}
