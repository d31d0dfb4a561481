import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { connectionName } from "../core/config/settings.ts";
import { problem } from "../core/problem.ts";
import type { Io } from "./io.ts";

export interface InitOptions {
  readonly connection?: readonly string[];
  readonly force?: boolean;
}

/** Writes the file for its owner only, and the schema beside it. @throws CONFLICT when the file exists and `force` is not given. */
export async function configInit(file = "tidegate.yaml", { connection = [], force = false }: InitOptions, io: Io): Promise<void> {
  const { configTemplate, schemaFile, schemaText } = await import("../core/config/template.ts");
  const path = resolve(io.cwd, file);
  const text = configTemplate(readConnections(connection));
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { mode: 0o600, flag: force ? "w" : "wx" });
    // An existing file keeps its mode when it is replaced.
    await chmod(path, 0o600);
    await writeFile(join(dirname(path), schemaFile), schemaText());
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST")
      throw problem("CONFLICT", `Cannot write "${file}": it exists already`, "Name another file, or add --force to replace it", cause);
    throw problem(
      "INPUT_INVALID",
      `Cannot write "${file}": the system says ${code ?? "no more"}`,
      "Name a file in a folder you may write to",
      cause,
    );
  }
  await io.out(`${file}\n`);
  io.note(`Wrote ${file} and ${schemaFile}. Check it after every change: tidegate config check`);
}

/** The text is not quoted in messages: a target may hold a password. */
function readConnections(given: readonly string[]): ReadonlyMap<string, string> {
  const connections = new Map<string, string>();
  for (const text of given) {
    const equals = text.indexOf("=");
    const [name, target] = [text.slice(0, Math.max(equals, 0)), text.slice(equals + 1)];
    if (!connectionName.test(name) || target === "")
      throw problem("INPUT_INVALID", "Cannot read --connection: wanted name=target", "For example: --connection shop=./shop.db");
    if (connections.has(name)) throw problem("INPUT_INVALID", `Connection "${name}" was given twice`, "Give each connection its own name");
    connections.set(name, target);
  }
  return connections;
}
