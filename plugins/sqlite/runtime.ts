import type { DatabaseSync } from "node:sqlite";

/** Where this runtime's `node:sqlite` differs from what SQLite says; Bun 1.4 has neither fault, Deno 2.9 both. */
export interface Runtime {
  /** Text is read up to its first U+0000 only. */
  readonly cutsText: boolean;
  /** A step that fails ends `iterate()` as if there were no more rows. */
  readonly hidesErrors: boolean;
}

export function probeRuntime(database: DatabaseSync): Runtime {
  const [text] = database.prepare("select 'a' || char(0)").get() as unknown as [string];
  return { cutsText: text.length !== 2, hidesErrors: endsQuietly(database) };
}

function endsQuietly(database: DatabaseSync): boolean {
  try {
    for (const _ of database.prepare("select abs(-9223372036854775808)").iterate());
    return true;
  } catch {
    // The engine's overflow error is what a sound runtime reports.
    return false;
  }
}

/**
 * Throws the error that ended the last step, if one did. SQLite refuses a function name this long
 * without touching its last error, and the runtime reports the refusal with that error's message.
 */
export function throwHiddenError(database: DatabaseSync): void {
  try {
    database.function("x".repeat(300), () => null);
  } catch (error) {
    if (!(error instanceof Error) || error.message !== "not an error") throw error;
  }
}
