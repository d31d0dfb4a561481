import { problem } from "../core/problem.ts";
import type { CommandContext } from "./commands.ts";
import { configOf, withApp } from "./open.ts";
import { connectionMeant, type PolicyOptions, policyConfig, policyOf, principalOf } from "./policy-open.ts";

/** Prints what an administrator runs, or does, so that the database itself refuses what no role may see. */
export async function roleSql(
  [target]: readonly string[],
  options: PolicyOptions & { readonly name: string },
  context: CommandContext,
): Promise<void> {
  const { io } = context;
  const { name } = options;
  if (!/^[A-Za-z_]\w{0,30}$/.test(name))
    throw problem("INPUT_INVALID", `Cannot name a role "${name}"`, "Use letters, digits and _, at most 31, beginning with a letter");
  const limited = options.as !== undefined || options.principal !== undefined;
  const config = limited ? await policyConfig(options, context) : await configOf(options, context);
  const connection = connectionMeant(target, options.connection, config, io.cwd);
  const open = { ...config, policy: limited ? config.policy : { ...config.policy, file: "none" } };
  const principal = limited ? principalOf(options, await policyOf(config, [connection])) : undefined;
  await withApp("policy role-sql", [connection], open, context, async (app, caller) => {
    const text = await app.roleSql(connection.name, name, { ...caller, ...(principal && { principal }) });
    if (text === undefined)
      throw problem(
        "UNSUPPORTED",
        `${app.connections.facts(connection.name).title} cannot limit rights by roles`,
        "Protect its files instead",
      );
    await io.out(`${text.trimEnd()}\n`);
  });
}
