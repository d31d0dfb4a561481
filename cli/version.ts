import { writeSync } from "node:fs";
import manifest from "../package.json" with { type: "json" };

declare const TIDEGATE_VERSION: string | undefined;

/** The version the build baked in, or that of package.json when run from source. */
export const version: string = typeof TIDEGATE_VERSION === "string" ? TIDEGATE_VERSION : manifest.version;

/** Prints the version at once; false when standard output does not take it, which is for others to explain. */
export function saidVersion(): boolean {
  try {
    writeSync(1, `tidegate ${version}\n`);
    return true;
  } catch {
    // The slower way says what is wrong with the output.
    return false;
  }
}
