import { join, resolve } from "node:path";
import type { Config } from "../core/config/config.ts";
import { loadConfig } from "../core/config/load.ts";
import { connectionName } from "../core/config/settings.ts";
import { didYouMean, problem } from "../core/problem.ts";
import { redactTarget } from "../core/secrets/redact.ts";
import type { CommandContext } from "./commands.ts";

interface Served {
  readonly config?: string;
  readonly connection?: readonly string[];
  readonly project?: boolean;
}

/**
 * What follows `serve` in a client's file: it means the same in whatever folder the client starts it, and holds no secret.
 * @throws INPUT_INVALID when there would be nothing to serve, NOT_FOUND for a connection that is not configured.
 */
export async function servedArguments({ config: file, connection = [], project }: Served, { io }: CommandContext): Promise<string[]> {
  const named = file ?? io.env.TIDEGATE_CONFIG;
  const config = await loadConfig({ cwd: io.cwd, env: io.env, ...(named && { configPath: named }) });
  const given = connection.map((text) => connectionArgument(text, config, io.cwd));
  const served =
    given.length > 0 ? given.map(({ configured }) => configured).filter((name) => name !== undefined) : Object.keys(config.connections);
  if (given.length === 0 && served.length === 0)
    throw problem(
      "INPUT_INVALID",
      "There is nothing to serve: no connection is configured",
      "Add one to tidegate.yaml, or give it here: --connection shop=./shop.db",
    );
  if (!named && !project) refuseProjectFile(served, config);
  return [...(named ? ["--config", resolve(io.cwd, named)] : []), ...given.flatMap(({ text }) => ["--connection", text])];
}

/** A client may start the server in any folder, where a project's file would not be found. */
function refuseProjectFile(served: readonly string[], config: Config): void {
  const own = join(config.folders.config, "config.yaml");
  for (const name of served) {
    const origin = config.origins[`connections.${name}.target`];
    if (origin?.from === "file" && origin.file !== own)
      throw problem(
        "INPUT_INVALID",
        `Connection "${name}" is known in this project only, and a client may start the server elsewhere`,
        `Name the file, which also says that you trust it: --config ${origin.file}, or connect this project only: --project`,
      );
  }
}

function connectionArgument(text: string, config: Config, cwd: string): { readonly text: string; readonly configured?: string } {
  const [, name = text, target = text] = /^([A-Za-z][\w-]*)=(.+)$/s.exec(text) ?? [];
  if (Object.hasOwn(config.connections, target)) return { text: `${name}=${target}`, configured: target };
  if (redactTarget(target) !== target)
    throw problem(
      "INPUT_INVALID",
      "A URL with a user, a password or a token does not belong in a client's file",
      "Name it in tidegate.yaml with a secret reference (password: keyring:sales), then give its name: --connection sales",
    );
  if (name !== text) return { text: `${name}=${absolute(target, cwd)}` };
  const names = Object.keys(config.connections);
  if (connectionName.test(text))
    throw problem(
      "NOT_FOUND",
      `No connection is named "${text}"`,
      didYouMean(text, names) ?? (names.length > 0 ? `Use one of: ${names.join(", ")}` : "Give it a target: --connection shop=./shop.db"),
    );
  throw problem(
    "INPUT_INVALID",
    `Cannot read --connection "${text}": wanted a name, or name=path`,
    "For example: --connection shop=./shop.db",
  );
}

/** A URL leads to the same place from everywhere, a path only when it is whole. */
function absolute(target: string, cwd: string): string {
  const [, scheme, path = ""] = /^([A-Za-z][\w+.-]+):(.*)$/s.exec(target) ?? [];
  if (scheme === undefined) return resolve(cwd, target);
  return path.startsWith("//") || path === ":memory:" ? target : `${scheme}:${resolve(cwd, path)}`;
}
