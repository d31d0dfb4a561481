import { proposePolicy } from "../core/policy/keep/propose.ts";
import { policyJsonSchema } from "../core/policy/roles/schema.ts";
import type { CommandContext } from "./commands.ts";
import { configOf, withApp } from "./open.ts";
import { connectionMeant, type PolicyOptions } from "./policy-open.ts";

/** Prints a policy that masks what looks personal in a database. */
export async function init([target]: readonly string[], options: PolicyOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const config = await configOf(options, context);
  const given = connectionMeant(target, undefined, config, io.cwd);
  const open = { ...config, policy: { ...config.policy, file: "none" } };
  await withApp("policy init", [given], open, context, async (app, caller) => {
    const objects = await app.catalog(given.name, "columns", caller);
    const title = app.connections.reports()[0]?.display ?? given.name;
    const connection = options.connection ?? (Object.hasOwn(config.connections, given.name) ? given.name : undefined);
    await io.out(proposePolicy(objects, { title, connection, defaultSchema: app.connections.facts(given.name).defaultSchema }));
  });
}

export async function schema(_: readonly string[], __: PolicyOptions, { io }: CommandContext): Promise<void> {
  await io.out(`${JSON.stringify(policyJsonSchema(), null, 2)}\n`);
}
