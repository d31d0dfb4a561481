import { existsSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { problem } from "../../problem.ts";
import { aboutFile } from "./about.ts";

/** Relative files that code names to load them; what it names for its types is not among them. */
const relative = /(?:\bfrom|\bimport\s*\(?)\s*["'](\.[^"']+)["']/g;
const typesOnly = /\b(?:import|export)\s+type\b[^"';]*["'][^"']*["']/g;

/**
 * Refuses a list that lacks a file its own files import. Where the plugin was written it would work, and nowhere else.
 * @throws PLUGIN_INVALID naming both
 */
export function checkImports(folder: string, listed: ReadonlySet<string>): void {
  for (const path of listed) {
    if (!/\.[cm]?[jt]s$/.test(path) || !existsSync(join(folder, path))) continue;
    const code = readFileSync(join(folder, path), "utf8").replaceAll(typesOnly, "");
    for (const [, wanted = ""] of code.matchAll(relative)) {
      const file = posix.join(posix.dirname(path), wanted);
      if (listed.has(file) || !existsSync(join(folder, file))) continue;
      throw problem(
        "PLUGIN_INVALID",
        `"${path}" imports "${file}", which ${aboutFile} does not list`,
        `Add "${file}" to "files" in ${aboutFile}`,
      );
    }
  }
}
