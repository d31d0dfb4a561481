import { type App, describeError } from "../core/app.ts";
import type { CatalogObject } from "../core/contract/catalog.ts";
import { expressionsToTry, type Finding, lintRules } from "../core/policy/keep/lint.ts";
import type { RolePolicy } from "../core/policy/roles/compile.ts";
import { problem } from "../core/problem.ts";
import type { Caller } from "../core/query/run.ts";
import type { CommandContext } from "./commands.ts";
import { withApp } from "./open.ts";
import { connectionMeant, type PolicyOptions, policyConfig, policyOf } from "./policy-open.ts";

/** Reads the policy, and with `--live` holds it against the catalogs. @throws CONFIG_INVALID with what is wrong */
export async function lint(
  _: readonly string[],
  options: PolicyOptions & { readonly live?: boolean },
  context: CommandContext,
): Promise<void> {
  const { io } = context;
  const config = await policyConfig(options, context);
  const one = options.connection === undefined ? [] : [connectionMeant(undefined, options.connection, config, io.cwd)];
  const policy = await policyOf(config, one);
  const connections = one.length > 0 ? one : Object.values(config.connections);
  const open = { ...config, policy: { ...config.policy, file: "none" } };
  const findings = options.live
    ? await withApp("policy lint", connections, open, context, (app, caller) => lintLive(app, policy, caller))
    : [];
  const counts = `${policy.roles.length} ${policy.roles.length === 1 ? "role" : "roles"}, ${policy.rules.length} ${policy.rules.length === 1 ? "rule" : "rules"}`;
  if (options.format === "json") await io.out(`${JSON.stringify({ files: policy.files, roles: policy.roles, findings }, null, 2)}\n`);
  else await io.out(findings.length === 0 ? `OK: ${counts} (${policy.files.join(", ")})\n` : findings.map(line).join(""));
  if (findings.length > 0)
    throw problem(
      "CONFIG_INVALID",
      `The policy has ${findings.length} ${findings.length === 1 ? "flaw" : "flaws"}`,
      "Mend the lines above",
    );
}

const line = ({ file, line: at, role, text, hint }: Finding): string =>
  `${file}:${at}: role ${role}: ${text}${hint === undefined ? "" : `. ${hint}`}\n`;

async function lintLive(app: App, policy: RolePolicy, caller: Caller): Promise<Finding[]> {
  const catalogs = new Map<string, readonly CatalogObject[]>();
  const tried: Finding[] = [];
  for (const name of app.connections.names) {
    const objects = await app.catalog(name, "columns", caller);
    catalogs.set(name, objects);
    for (const attempt of expressionsToTry(policy, name, objects)) {
      const why = await tryExpression(app, name, attempt, caller);
      const { file, line: at, role } = attempt.rule;
      if (why !== undefined) tried.push({ file, line: at, role, text: `its expression cannot be used on ${name}: ${why}` });
    }
  }
  return [...lintRules(policy, catalogs), ...tried];
}

/** Has the engine plan a read of the table under the rule alone; says what it objects to. */
async function tryExpression(
  app: App,
  connection: string,
  { rule, object, column }: ReturnType<typeof expressionsToTry>[number],
  caller: Caller,
): Promise<string | undefined> {
  const { entry } = rule;
  const { sql } = await app.selectAll(connection, object.schema === undefined ? object.name : `${object.schema}.${object.name}`, caller);
  const names = [...(entry.where ?? "").matchAll(/:principal\.(\w+)/g)].map(([, name = ""]) => name);
  const restriction = {
    ...(object.schema !== undefined && { schema: object.schema }),
    name: object.name,
    hidden: [],
    masks: column !== undefined && typeof entry.mask === "object" ? [{ column, form: entry.mask }] : [],
    where: entry.where === undefined ? [] : [entry.where.replace(/:principal\.(\w+)/g, ":$1")],
    values: Object.fromEntries(names.map((name) => [name, null])),
  };
  const lease = await app.connections.borrow(connection, "read", caller.signal);
  try {
    if (lease.connection.render === undefined) return "the driver cannot mask or filter";
    await lease.connection.explain(sql, [], { signal: caller.signal, batchSize: 1, analyze: false, restrictions: [restriction] });
    return undefined;
  } catch (error) {
    // What exactly is wrong is for whoever keeps the policy; its readers are not told.
    const { cause } = error as { readonly cause?: unknown };
    const why = cause instanceof Error ? `: ${cause.message}` : "";
    return `${describeError(error, lease.driver)}${why}`;
  } finally {
    await lease.release();
  }
}
