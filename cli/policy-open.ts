import { resolve } from "node:path";
import { connectionFor, namedConnection, readPolicies } from "../core/app.ts";
import type { Config } from "../core/config/config.ts";
import type { ConnectionSettings } from "../core/connection/connections.ts";
import type { Principal } from "../core/contract/policy.ts";
import type { RolePolicy } from "../core/policy/roles/compile.ts";
import { didYouMean, problem } from "../core/problem.ts";
import type { CommandContext } from "./commands.ts";
import { type CommonOptions, configOf } from "./open.ts";

/** Options that say which policy, whose, and on what. */
export interface PolicyOptions extends CommonOptions {
  readonly policy?: string;
  readonly connection?: string;
  readonly as?: string;
  readonly principal?: string;
  readonly value?: readonly string[];
  readonly format?: "text" | "json";
}

/** The configuration, with the policy that the command line names in force. @throws CONFIG_INVALID where there is none */
export async function policyConfig(options: PolicyOptions, context: CommandContext): Promise<Config> {
  const config = await configOf(options, context);
  const file = options.policy === undefined ? config.policy.file : resolve(context.io.cwd, options.policy);
  if (file === "none")
    throw problem(
      "CONFIG_INVALID",
      "No policy is configured",
      "Give one with --policy, or set policy.file; make one with: tidegate policy init <target>",
    );
  return { ...config, policy: { ...config.policy, file } };
}

/** The policy in force, for these connections besides the configured ones. */
export function policyOf({ policy, connections }: Config, also: readonly ConnectionSettings[] = []): Promise<RolePolicy> {
  return readPolicies(policy.file, [...also.map(({ name }) => name), ...Object.keys(connections)]);
}

/** The connection a command is about: a target, a configured name, name=target, or the only configured one. @throws INPUT_INVALID */
export function connectionMeant(target: string | undefined, named: string | undefined, config: Config, folder: string): ConnectionSettings {
  if (target !== undefined && named !== undefined)
    throw problem("INPUT_INVALID", "A target and --connection were both given", "Give one of them");
  if (named?.includes("=")) return namedConnection(named, config, folder);
  const meant = target ?? named;
  if (meant !== undefined) return connectionFor(meant, config, folder);
  const [only, ...others] = Object.values(config.connections);
  if (only === undefined)
    throw problem("INPUT_INVALID", "No connection is configured and none was given", "Give a target, or --connection name=target");
  if (others.length > 0)
    throw problem(
      "INPUT_INVALID",
      "Several connections are configured and none was named",
      `Name one of: ${Object.keys(config.connections).join(", ")}`,
    );
  return only;
}

/** Who is meant by `--as` or `--principal`. @throws INPUT_INVALID without either, NOT_FOUND for a role that is not there */
export function principalOf({ as, principal, value = [] }: PolicyOptions, policy: RolePolicy): Principal {
  if ((as === undefined) === (principal === undefined))
    throw problem("INPUT_INVALID", "Nobody was named, or two were", "Give --as <role>, or --principal <id>");
  const values = Object.fromEntries(value.map(readValue));
  if (principal !== undefined) return { id: principal, roles: [], via: "local", values };
  const roles = (as ?? "").split(",").map((role) => role.trim());
  for (const role of roles) checkRole(role, policy);
  return { id: `--as ${roles.join(",")}`, roles, via: "local", values };
}

export function checkRole(role: string, { roles }: RolePolicy): void {
  if (roles.includes(role)) return;
  throw problem("NOT_FOUND", `No role is named "${role}"`, didYouMean(role, roles) ?? `Use one of: ${roles.join(", ")}`);
}

function readValue(text: string): [string, string | number] {
  const [, name, value] = /^(\w+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw problem("INPUT_INVALID", `Cannot read --value "${text}": wanted name=value`, "For example: --value region=EU");
  return [name, /^-?\d{1,15}$/.test(value) ? Number(value) : value];
}
