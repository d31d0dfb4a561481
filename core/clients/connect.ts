import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { stringify } from "smol-toml";
import { problem } from "../problem.ts";
import type { Client, Entry, Machine } from "./client.ts";
import { type Fields, type Format, isMap, type Place, valueAt } from "./format.ts";
import { json } from "./json.ts";
import { readSettings, replaceSettings, withoutMark } from "./settings-file.ts";
import { toml } from "./toml.ts";

const formats: Readonly<Record<Client["format"], Format>> = { json, toml };

/** What became of a client's file. */
export interface Change {
  readonly file: string;
  readonly changed: boolean;
  /** The file as it was before; absent when there was none, or nothing changed. */
  readonly backup?: string;
}

/** The file of a client: for all projects, or for the one in `project`. @throws UNSUPPORTED */
export function clientFile(client: Client, machine: Machine, project?: string): string {
  if (project === undefined) {
    const files = client.files(machine);
    return files.find((file) => existsSync(dirname(file))) ?? files[0];
  }
  if (client.projectFile === undefined)
    throw problem("UNSUPPORTED", `${client.title} has no configuration of its own for a project`, "Leave out --project");
  return join(project, client.projectFile);
}

/** Whether a client seems to be installed, and whether its file has us; `broken` when nobody can tell. */
export function clientState(client: Client, machine: Machine, name: string, project?: string) {
  const file = clientFile(client, machine, project);
  const found = (client.signs?.(machine) ?? [dirname(clientFile(client, machine))]).some((path) => existsSync(path));
  const parsed = formats[client.format].read(withoutMark(readSettings(file))[1]);
  const server = "brokenLine" in parsed ? "broken" : isOurs(valueAt(parsed.value, [client.section, name])) ? "yes" : "no";
  return { file, found, server } as const;
}

/** The entry as a file of its own would say it, for people who add it by hand. */
export function printedEntry(client: Client, name: string, entry: Entry): string {
  const whole = { [client.section]: { [name]: fieldsOf(client, entry) } };
  return client.format === "toml" ? stringify(whole) : `${JSON.stringify(whole, null, 2)}\n`;
}

/** Adds the server, or updates it; a file that says so already is left alone. @throws CONFIG_INVALID, CONFLICT, UNSUPPORTED */
export function addServer(client: Client, file: string, name: string, entry: Entry, now = new Date()): Promise<Change> {
  const fields = fieldsOf(client, entry);
  return change(client, file, name, now, {
    wanted: (before) => ({ ...before, ...fields }),
    edit: (format, text) => format.set(text, [client.section, name], fields),
  });
}

/** Takes the server out; a file without it is left alone. @throws CONFIG_INVALID, CONFLICT, UNSUPPORTED */
export function removeServer(client: Client, file: string, name: string, now = new Date()): Promise<Change> {
  return change(client, file, name, now, {
    wanted: () => undefined,
    edit: (format, text) => format.remove(text, [client.section, name]),
  });
}

interface Edit {
  /** The entry as it is to be. */
  readonly wanted: (before: Fields | undefined) => Fields | undefined;
  readonly edit: (format: Format, text: string) => string;
}

async function change(client: Client, file: string, name: string, now: Date, { wanted, edit }: Edit): Promise<Change> {
  const format = formats[client.format];
  const place: Place = [client.section, name];
  const whole = readSettings(file);
  const [mark, text] = withoutMark(whole);
  const before = values(format, text, file, client);
  const entry = valueAt(before, place);
  if (entry !== undefined && !isOurs(entry))
    throw problem("CONFLICT", `"${name}" in ${file} is another server`, "Choose another name: --name tidegate-2");
  const next = wanted(isMap(entry) ? entry : undefined);
  if (isSame(entry, next)) return { file, changed: false };
  const edited = edit(format, text);
  // The edit works on text, so its result is read: nothing but the entry may differ.
  const after = format.read(edited);
  if ("brokenLine" in after || !isSame(others(after.value, place), others(before, place)) || !isSame(valueAt(after.value, place), next))
    throw problem(
      "UNSUPPORTED",
      `Cannot edit ${file} without changing more than "${name}"`,
      `Edit it by hand: tidegate connect ${client.name} --print`,
    );
  const backup = await replaceSettings(file, whole, mark + edited, now);
  return { file, changed: true, ...(backup !== undefined && { backup }) };
}

function values(format: Format, text: string, file: string, { name, section }: Client): Fields {
  const parsed = format.read(text);
  const hint = `Correct it, or add the server by hand: tidegate connect ${name} --print`;
  if ("brokenLine" in parsed)
    throw problem("CONFIG_INVALID", `Cannot edit ${file}: it is not ${format.title} (line ${parsed.brokenLine})`, hint);
  const servers = parsed.value[section];
  if (servers !== undefined && !isMap(servers)) throw problem("CONFIG_INVALID", `Cannot edit ${file}: its "${section}" is not a map`, hint);
  return parsed.value;
}

/** Everything but the entry; a map of servers without any counts as none. */
function others(value: Fields, [section, name]: Place): Fields {
  const servers = Object.entries((value[section] ?? {}) as Fields).filter(([key]) => key !== name);
  return { ...value, [section]: Object.fromEntries(servers) };
}

/** Compares what parsers made: maps with and without a prototype are the same here. */
function isSame(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(plain(one), plain(other));
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!isMap(value) || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

function fieldsOf({ extra }: Client, { command, args }: Entry): Fields {
  return { ...extra, command, args: [...args] };
}

/** True for an entry that starts tidegate, wherever that is installed. */
function isOurs(entry: unknown): boolean {
  if (!isMap(entry) || typeof entry.command !== "string" || !Array.isArray(entry.args)) return false;
  const serve = entry.args.indexOf("serve");
  const program = String(serve > 0 ? entry.args[serve - 1] : entry.command).replaceAll("\\", "/");
  return serve >= 0 && (/^tidegate(\.exe)?$/i.test(basename(program)) || program.endsWith("/cli/main.ts"));
}
