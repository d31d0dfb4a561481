import { resolve } from "node:path";
import { type App, readPolicies } from "../core/app.ts";
import { type Change, comparePolicies } from "../core/policy/keep/compare.ts";
import { namedPlaces, type Place } from "../core/policy/keep/survey.ts";
import type { Caller } from "../core/query/run.ts";
import type { CommandContext } from "./commands.ts";
import { configOf, withApp } from "./open.ts";
import { connectionMeant, type PolicyOptions } from "./policy-open.ts";

/** Prints what changes, for whom; with a target on all of its tables, else on what the policies name. */
export async function diff(
  [old = "", young = "", target]: readonly string[],
  options: PolicyOptions,
  context: CommandContext,
): Promise<void> {
  const { io } = context;
  const config = await configOf(options, context);
  const read = (path: string) => readPolicies(resolve(io.cwd, path), []);
  const [before, after] = [await read(old), await read(young)];
  const live = target !== undefined || options.connection !== undefined;
  const places = live ? await livePlaces(target, options, context) : namedPlaces([before, after]);
  const changes = comparePolicies(before, after, places);
  if (options.format === "json") return io.out(`${JSON.stringify(changes, null, 2)}\n`);
  await io.out(changes.map(line).join(""));
  if (!live && Object.keys(config.connections).length > 0)
    io.note("Compared by what the policies name. Add a connection to compare all of its tables");
  if (changes.length === 0) io.note("Nothing changes for anybody");
}

const line = ({ who, what, before, after }: Change): string => `${who}  ${what}: ${before} → ${after}\n`;

async function livePlaces(target: string | undefined, options: PolicyOptions, context: CommandContext): Promise<Place[]> {
  const config = await configOf(options, context);
  const connection = connectionMeant(target, options.connection, config, context.io.cwd);
  const open = { ...config, policy: { ...config.policy, file: "none" } };
  return withApp("policy diff", [connection], open, context, (app, caller) => placesOf(app, connection.name, caller));
}

export async function placesOf(app: App, connection: string, caller: Caller): Promise<Place[]> {
  const objects = await app.catalog(connection, "columns", caller);
  return objects.flatMap(({ schema, name, columns }) =>
    columns === undefined ? [] : [{ connection, schema, table: name, columns: columns.map((column) => column.name) }],
  );
}
