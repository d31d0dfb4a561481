import { namesSecret, redacted, redactTarget } from "../secrets/redact.ts";
import { showReference } from "../secrets/resolve.ts";
import type { Config, ConnectionConfig, Origin } from "./config.ts";
import { shownPath } from "./find.ts";
import { placedSettings, type ResolvedSettings, resolvedKey, type SettingValue } from "./settings.ts";
import { writeDuration } from "./units.ts";

/** One value of the configuration as anyone may see it, and where it was written. */
export interface ShownValue {
  readonly path: readonly string[];
  readonly value: string | number | boolean;
  readonly origin: string;
}

/** Every value in force, written as a file would say it. No secret is among them. */
export function effectiveValues(config: Config, cwd: string): ShownValue[] {
  const originOf = (path: readonly string[]): string => originText(config.origins[path.join(".")], cwd);
  const connections = Object.values(config.connections).flatMap((connection) =>
    connectionValues(connection, (key) => templateOf(config.origins[`connections.${connection.name}.${key}`])),
  );
  const settings = placedSettings.map(({ section, key, setting }) => {
    const values: Readonly<Record<string, SettingValue>> = config[section as keyof ResolvedSettings];
    return { path: [section, key], value: setting.write(values[resolvedKey(key, setting)] ?? "") };
  });
  return [...connections, ...settings].map(({ path, value }) => ({ path, value, origin: originOf(path) }));
}

/** A variable is shown by its name: what it held may be a secret. */
function connectionValues(connection: ConnectionConfig, template: (key: string) => string | undefined) {
  const { name, target, password, write, description, timeoutMillis, maxRows, cacheMillis, options, ssh } = connection;
  const at = (value: string | number | boolean, ...keys: string[]) => ({ path: ["connections", name, ...keys], value });
  return [
    at(redactTarget(template("target") ?? target), "target"),
    ...(password === undefined ? [] : [at(showReference(template("password") ?? password) ?? redacted, "password")]),
    at(write, "write"),
    ...(description === undefined ? [] : [at(template("description") ?? description, "description")]),
    ...(timeoutMillis === undefined ? [] : [at(writeDuration(timeoutMillis), "timeout")]),
    ...(maxRows === undefined ? [] : [at(maxRows, "maxRows")]),
    ...(cacheMillis === undefined ? [] : [at(writeDuration(cacheMillis), "cache")]),
    ...Object.entries(options).map(([key, value]) => at(shownOption(key, template(`options.${key}`) ?? value), "options", key)),
    ...Object.entries(ssh ?? {}).map(([key, value]) => at(value, "ssh", key)),
  ];
}

function shownOption(key: string, value: string): string {
  return namesSecret(key) ? (showReference(value) ?? redacted) : redactTarget(value);
}

function templateOf(origin: Origin | undefined): string | undefined {
  return origin?.from === "file" ? origin.template : undefined;
}

function originText(origin: Origin | undefined, cwd: string): string {
  if (origin?.from === "file") return `${shownPath(origin.file, cwd)}:${origin.line}`;
  if (origin?.from === "environment") return origin.variable;
  return origin?.from === "flag" ? "command line" : "default";
}
