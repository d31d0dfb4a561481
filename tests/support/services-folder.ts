import { chmodSync, mkdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Something a test needs and this machine has not. */
export interface Absent {
  /** Why, in words. */
  readonly absent: string;
}

/** Where servers that were fetched for tests are kept. Others may read it, because servers do not run as root. */
export function enginesFolder(): string {
  const own = process.getuid?.() ?? 0;
  const folder = process.env.TIDEGATE_TEST_ENGINES ?? join(tmpdir(), `tidegate-test-engines-${own}`);
  mkdirSync(folder, { recursive: true });
  // Programs are run from here: a folder that somebody else made in the system's temporary folder is not ours.
  if (statSync(folder).uid !== own) throw new Error(`The folder "${folder}" belongs to somebody else`);
  chmodSync(folder, 0o755);
  return folder;
}
