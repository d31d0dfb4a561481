import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PluginNeeds } from "../../contract/plugin.ts";
import { type Problem, problem } from "../../problem.ts";
import { isPluginName, isVersion } from "../catalogue.ts";

/** `about.json`: what the author of a plugin says of it. A manifest is made from it when the plugin is packed. */
export interface About {
  readonly name: string;
  readonly version: string;
  readonly schemes: readonly string[];
  readonly needs: PluginNeeds;
  readonly title?: string;
  /** The contract it was written for; the newest when absent. */
  readonly contract?: number;
  /** The file with the default export; `index.js` when absent. */
  readonly entry?: string;
  /** Every file it loads, by relative path; the entry alone when absent. */
  readonly files?: readonly string[];
  /** For each platform, its native files: their place in the archive → where they are found when it is packed. Without it, one archive runs anywhere. */
  readonly natives?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Code of a first-party plugin that runs in threads of its own: its place in the archive → the file it is bundled from. */
  readonly workers?: Readonly<Record<string, string>>;
}

export const aboutFile = "about.json";

/** Reads a plugin folder's `about.json`. @throws NOT_FOUND when there is none, PLUGIN_INVALID naming the field that is wrong */
export function readAbout(folder: string): About {
  let text: string;
  try {
    text = readFileSync(join(folder, aboutFile), "utf8");
  } catch (cause) {
    throw problem(
      "NOT_FOUND",
      `There is no plugin in "${folder}": it has no ${aboutFile}`,
      "Name a plugin's folder, or make one: tidegate plugin new mydb",
      cause,
    );
  }
  return checked(parse(text, folder), folder);
}

function parse(text: string, folder: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw wrong(folder, "it is not JSON", cause);
  }
}

const shapes: Readonly<Record<keyof About, readonly [wanted: string, fits: (value: unknown) => boolean]>> = {
  name: ["a word of small letters, digits and hyphens that begins with a letter", isPluginName],
  version: ["a version such as 1.0.0", isVersion],
  schemes: ["a list of URL schemes of two characters or more", (value) => isListOf(value, isScheme) && (value as []).length > 0],
  needs: ["an object", (value) => value === undefined || isRecord(value)],
  title: ["a text", isOptionalText],
  contract: ["a whole number", (value) => value === undefined || Number.isSafeInteger(value)],
  entry: ["a relative path", (value) => value === undefined || isInside(value)],
  files: ["a list of relative paths", (value) => value === undefined || isListOf(value, isInside)],
  natives: [
    "relative paths for each platform",
    (value) =>
      value === undefined ||
      (isRecord(value) && Object.values(value).every((paths) => isRecord(paths) && Object.entries(paths).flat().every(isInside))),
  ],
  workers: [
    "relative paths by their place in the archive",
    (value) => value === undefined || (isRecord(value) && Object.entries(value).flat().every(isInside)),
  ],
};

function checked(about: unknown, folder: string): About {
  if (!isRecord(about)) throw wrong(folder, "it is not an object");
  for (const [key, [wanted, fits]] of Object.entries(shapes)) {
    if (!fits(about[key])) throw wrong(folder, `"${key}" is ${JSON.stringify(about[key]) ?? "absent"}, wanted ${wanted}`);
  }
  return { needs: {}, ...about } as unknown as About;
}

/** As `resolveTarget` reads them; one letter would be a drive of Windows. */
export function isScheme(value: unknown): value is string {
  return typeof value === "string" && /^[a-z][a-z0-9+.-]+$/.test(value);
}

/** A path that stays in its folder and means the same on every system. */
function isInside(value: unknown): boolean {
  return typeof value === "string" && value.split("/").every((part) => /^[\w@+.-]+$/.test(part) && part !== "." && part !== "..");
}

function isOptionalText(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}

function isListOf(value: unknown, fits: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(fits);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function wrong(folder: string, why: string, cause?: unknown): Problem {
  return problem("PLUGIN_INVALID", `Cannot read "${join(folder, aboutFile)}": ${why}`, "Correct the file", cause);
}
