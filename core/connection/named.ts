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

/** What `--connection` was given, once and again. @throws INPUT_INVALID when a name was given twice */
export function namedConnections(texts: readonly string[], config: Config, folder: string): ConnectionSettings[] {
  const given = texts.map((text) => namedConnection(text, config, folder));
  const twice = given.find(({ name }, at) => given.findIndex((other) => other.name === name) !== at);
  if (twice === undefined) return given;
  throw problem("INPUT_INVALID", `Connection "${twice.name}" was given twice`, "Give each connection a name of its own");
}

/** Reads `name=target` as `--connection` takes it, where the target may be a configured name; or a configured name by itself. @throws INPUT_INVALID */
export function namedConnection(text: string, config: Config, folder: string): ConnectionSettings {
  const alone = configured(text, config);
  if (alone !== undefined) return alone;
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
