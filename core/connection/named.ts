import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Config } from "../config/config.ts";
import { connectionName } from "../config/settings.ts";
import { problem } from "../problem.ts";
import { redactTarget } from "../secrets/redact.ts";
import type { ConnectionSettings } from "./connections.ts";
import { noSuchTarget } from "./target.ts";

/** A configured connection by its name, or one made for this call from a URL or a path. @throws NOT_FOUND with near names */
export function connectionFor(target: string, config: Config, folder: string): ConnectionSettings {
  const found = configured(target, config);
  if (found !== undefined) return found;
  const location = resolve(folder, target);
  // One word without a file of that name can only be meant for a connection, whose names nobody further on knows.
  if (connectionName.test(target) && !existsSync(location)) throw noSuchTarget(target, location, Object.keys(config.connections));
  return { name: redactTarget(target), target, folder, write: true };
}

/** Reads `name=target` as `--connection` takes it; the target may be a configured name. @throws INPUT_INVALID */
export function namedConnection(text: string, config: Config, folder: string): ConnectionSettings {
  const [, name, target] = /^([A-Za-z][\w-]*)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || target === undefined) {
    throw problem(
      "INPUT_INVALID",
      `Cannot read --connection "${redactTarget(text)}": wanted name=target`,
      "For example: --connection shop=./shop.db",
    );
  }
  return { ...(configured(target, config) ?? { target, folder, write: false }), name };
}

function configured(name: string, config: Config): ConnectionSettings | undefined {
  return Object.hasOwn(config.connections, name) ? config.connections[name] : undefined;
}
