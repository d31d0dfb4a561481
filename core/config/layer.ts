import { resolve } from "node:path";
import { namesSecret } from "../secrets/redact.ts";
import { literal, readReference } from "../secrets/resolve.ts";
import type { ConnectionConfig, Layer, Origin } from "./config.ts";
import { placedSettings, type Setting, type SettingValue } from "./settings.ts";
import { readSsh, type SshInput } from "./ssh.ts";

/** What a source may say of one connection, its values already read. */
export interface ConnectionInput {
  readonly target?: string | undefined;
  readonly url?: string | undefined;
  readonly password?: string | undefined;
  readonly write?: boolean | undefined;
  readonly description?: string | undefined;
  /** In milliseconds. */
  readonly timeout?: number | undefined;
  readonly maxRows?: number | undefined;
  /** In milliseconds. */
  readonly cache?: number | undefined;
  readonly options?: Readonly<Record<string, string>> | undefined;
  readonly ssh?: SshInput | undefined;
}

export type SectionInput = Readonly<Record<string, SettingValue | undefined>> | null | undefined;

/** What a source says, its values already read; absent and null mean it says nothing. */
export interface LayerInput {
  readonly connections?: Readonly<Record<string, string | ConnectionInput>> | null | undefined;
  readonly sections: Readonly<Record<string, SectionInput>>;
}

/** Where a source stands: relative paths start at `folder`. */
export interface LayerPlace {
  readonly folder: string;
  readonly home?: string | undefined;
  originOf(path: readonly string[]): Origin;
}

/** Makes paths absolute and notes where each value came from. */
export function createLayer(input: LayerInput, place: LayerPlace): Layer {
  const settings: [string, { value: SettingValue; origin: Origin }][] = [];
  for (const { section, key, path, setting } of placedSettings) {
    const read = input.sections[section]?.[key];
    if (read === undefined) continue;
    const value = isPath(setting, read) ? absolute(String(read), place) : read;
    settings.push([path, { value, origin: place.originOf([section, key]) }]);
  }
  const connections = Object.entries(input.connections ?? {}).map(([name, written]) => [name, connect(name, written, place)] as const);
  return { settings: new Map(settings), connections: new Map(connections) };
}

function connect(name: string, written: string | ConnectionInput, { folder, home, originOf }: LayerPlace) {
  const input: ConnectionInput = typeof written === "string" ? { target: written } : written;
  const { target, url, password, write = false, description, timeout, maxRows, cache, options = {}, ssh } = input;
  const at = ["connections", name];
  const connection: ConnectionConfig = {
    name,
    target: target ?? url ?? "",
    ...(password !== undefined && { password: asWritten(password, originOf([...at, "password"])) }),
    folder,
    write,
    ...(description !== undefined && { description }),
    ...(timeout !== undefined && { timeoutMillis: timeout }),
    ...(maxRows !== undefined && { maxRows }),
    ...(cache !== undefined && { cacheMillis: cache }),
    options: Object.fromEntries(
      Object.entries(options).map(([key, value]) => [key, namesSecret(key) ? asWritten(value, originOf([...at, "options", key])) : value]),
    ),
    ...(ssh !== undefined && { ssh: readSsh(ssh, { folder, home }) }),
  };
  const origins = new Map<string, Origin>([["write", { from: "default" }]]);
  for (const key of Object.keys(input)) {
    if (key !== "options" && key !== "ssh")
      origins.set(key === "url" ? "target" : key, originOf(typeof written === "string" ? at : [...at, key]));
  }
  for (const key of Object.keys(options)) origins.set(`options.${key}`, originOf([...at, "options", key]));
  const sshAt = [...at, "ssh"];
  for (const key of Object.keys(connection.ssh ?? {})) {
    origins.set(`ssh.${key}`, originOf(typeof ssh === "string" ? sshAt : [...sshAt, key]));
  }
  return { connection, origins };
}

/** What a variable holds is never read as a reference: only whoever wrote the file may say where to look, or what to run. */
function asWritten(secret: string, origin: Origin): string {
  const template = origin.from === "file" ? origin.template : undefined;
  return template === undefined || readReference(template) !== undefined ? secret : literal(secret);
}

function isPath({ kind }: Setting, value: SettingValue): boolean {
  return kind === "folder" || (kind === "path" && value !== "none") || (kind === "place" && !/^[a-z]+:\/\//.test(String(value)));
}

function absolute(path: string, { folder, home }: LayerPlace): string {
  return resolve(folder, home !== undefined && /^~(?=[\\/]|$)/.test(path) ? `${home}${path.slice(1)}` : path);
}
