import { didYouMean } from "../../problem.ts";
import { matcher } from "./pattern.ts";
import { policyProblem, type ReadPolicy } from "./read.ts";
import type { RoleEntry, RuleEntry } from "./schema.ts";

/** @throws CONFIG_INVALID for the first name that is not there and the first rule that cannot hold */
export function checkFile(
  file: ReadPolicy,
  roles: readonly string[],
  groups: readonly string[],
  known: { connections: readonly string[]; tools: readonly string[] },
): void {
  const { policy } = file;
  const wanted = (path: readonly PropertyKey[], names: readonly string[] | undefined, among: readonly string[], what: string): void => {
    for (const name of names ?? []) {
      if (among.includes(name)) continue;
      throw policyProblem(
        file.file,
        file.lineOf(path),
        `${path.join(".")}: no ${what} is named "${name}"`,
        didYouMean(name, among) ?? listed(what, among),
      );
    }
  };
  wanted(["default"], policy.default, roles, "role");
  for (const [group, names] of Object.entries(policy.groups ?? {})) wanted(["groups", group], names, roles, "role");
  for (const [id, entry] of Object.entries(policy.principals ?? {})) {
    wanted(["principals", id, "roles"], entry.roles, roles, "role");
    wanted(["principals", id, "groups"], entry.groups, groups, "group");
  }
  for (const [role, entry] of Object.entries(policy.roles ?? {})) {
    wanted(["roles", role, "inherits"], entry.inherits, roles, "role");
    wanted(["roles", role, "tools"], entry.tools, known.tools, "tool");
    for (const [at, rule] of (entry.rules ?? []).entries()) checkRule(file, ["roles", role, "rules", at], rule, known.connections);
  }
}

/** A rule that no connection meets, or that its own exception takes back, would be believed and never hold. */
function checkRule(file: ReadPolicy, path: readonly PropertyKey[], rule: RuleEntry, connections: readonly string[]): void {
  const named = rule.connection?.find((glob) => !connections.some((name) => matcher([glob])(name)));
  if (named !== undefined && connections.length > 0)
    throw policyProblem(
      file.file,
      file.lineOf([...path, "connection"]),
      `the rule can never match: no connection is named "${named}"`,
      didYouMean(named, connections) ?? listed("connection", connections),
    );
  const keys = ["connection", "schema", "table", "column"] as const;
  const covering = rule.except?.findIndex((except) => keys.every((key) => coversAll(except[key], rule[key])));
  if (covering !== undefined && covering >= 0)
    throw policyProblem(
      file.file,
      file.lineOf([...path, "except", covering]),
      "the rule can never match: its exception covers all of it",
      "Narrow the exception, or delete the rule",
    );
  const placeholder = /(?<![:\w]):(?!principal\.\w)[a-z_]\w*/i.exec(rule.where ?? "")?.[0];
  if (placeholder !== undefined)
    throw policyProblem(
      file.file,
      file.lineOf([...path, "where"]),
      `"${placeholder}" is no value`,
      "Write values of the caller as :principal.<name>",
    );
}

const listed = (what: string, among: readonly string[]): string =>
  among.length === 0 ? `Define the ${what} first` : `Use one of: ${among.join(", ")}`;

/** @throws CONFIG_INVALID when a role inherits from itself */
export function checkCycle(start: string, file: ReadPolicy, roleOf: (name: string) => RoleEntry | undefined): void {
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) {
      const circle = [...path.slice(path.indexOf(name)), name].join(" → ");
      throw policyProblem(
        file.file,
        file.lineOf(["roles", start, "inherits"]),
        `roles inherit in a circle: ${circle}`,
        "Take one of them out of the circle",
      );
    }
    for (const next of roleOf(name)?.inherits ?? []) visit(next, [...path, name]);
  };
  visit(start, []);
}

const coversAll = (exception: readonly string[] | undefined, globs: readonly string[] | undefined): boolean =>
  exception === undefined || exception.includes("*") || JSON.stringify(exception) === JSON.stringify(globs);
