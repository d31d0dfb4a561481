import { closeSync, openSync, readSync } from "node:fs";
import { dirname } from "node:path";
import { problem } from "../problem.ts";
import type { Layer } from "./config.ts";
import { readYaml } from "./document.ts";
import type { ConfigFile } from "./find.ts";
import type { Environment, Folders } from "./folders.ts";
import { foreignCode } from "./foreign.ts";
import { fileProblem, schemaIssues } from "./issues.ts";
import { createLayer } from "./layer.ts";
import { configSchema } from "./schema.ts";

const mostBytes = 1024 * 1024;

/** Reads one configuration file. @throws CONFIG_INVALID with every issue of the file. */
export function readFileLayer(file: ConfigFile, env: Environment, folders: Folders): Layer {
  const document = readYaml(readText(file), env);
  const parsed = configSchema.safeParse(document.value ?? {});
  const issues = [...document.issues, ...foreignCode(file, document, folders)];
  const places = new Set(issues.map(({ place }) => place));
  if (!parsed.success) issues.push(...schemaIssues(parsed.error.issues, document).filter(({ place }) => !places.has(place)));
  if (issues.length > 0 || !parsed.success) throw fileProblem(file.shown, issues);
  const { connections, ...sections } = parsed.data;
  const originOf: Parameters<typeof createLayer>[1]["originOf"] = (path) => {
    const template = document.templateOf(path);
    return { from: "file", file: file.path, line: document.lineOf(path), ...(template !== undefined && { template }) };
  };
  return createLayer({ connections, sections }, { folder: dirname(file.path), home: folders.home, originOf });
}

function readText(file: ConfigFile): string {
  const bytes = readBytes(file);
  if (bytes.length > mostBytes) throw refused(file, "it is bigger than 1 MB", "Name another file");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw refused(file, "it is not UTF-8 text", "Save it as UTF-8", error);
  }
}

/** Reads at most one byte more than is allowed, so that a device or pipe without an end does no harm. */
function readBytes(file: ConfigFile): Uint8Array {
  let handle: number | undefined;
  try {
    handle = openSync(file.path, "r");
    const bytes = new Uint8Array(mostBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0; length += read) read = readSync(handle, bytes, length, bytes.length - length, null);
    return bytes.subarray(0, length);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    const [why, hint] = unreadable[code] ?? [`the system says ${code || "no more"}`, "Name another file"];
    throw refused(file, why, hint, error);
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

const unreadable: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: ["there is no such file", "Name an existing file, or make one: tidegate config init"],
  ENOTDIR: ["there is no such file", "Name an existing file, or make one: tidegate config init"],
  EISDIR: ["it is a folder, wanted a file", "Name the file in it"],
  EACCES: ["it may not be read", "Give yourself the right to read it"],
  EPERM: ["it may not be read", "Give yourself the right to read it"],
};

function refused(file: ConfigFile, why: string, hint: string, cause?: unknown) {
  return problem("CONFIG_INVALID", `Cannot load ${file.shown}: ${why}`, hint, cause);
}
