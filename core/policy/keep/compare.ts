import type { Principal } from "../../contract/policy.ts";
import type { Permissions, RolePolicy } from "../roles/compile.ts";
import { hidden, type Place, type Survey, survey } from "./survey.ts";

/** One thing that another policy would make different for somebody. */
export interface Change {
  /** `role analyst`, `principal alice`, `everybody else`. */
  readonly who: string;
  readonly what: string;
  readonly before: string;
  readonly after: string;
}

const absent = "not there";

/** What changes, and for whom, on the given tables. Roles come first, then who has which of them. */
export function comparePolicies(before: RolePolicy, after: RolePolicy, places: readonly Place[]): Change[] {
  const roles = [...new Set([...before.roles, ...after.roles])].sort();
  const principals = [...new Set([...before.principals, ...after.principals])].sort();
  return [
    ...roles.flatMap((role) => roleChanges(role, before, after, places)),
    ...principals.flatMap((id) => rolesOf(`principal ${id}`, before.permissions(caller(id)), after.permissions(caller(id)))),
    ...rolesOf("everybody else", before.permissions(caller("")), after.permissions(caller(""))),
  ];
}

const caller = (id: string, roles: readonly string[] = []): Principal => ({ id, roles, via: "local" });

function roleChanges(role: string, before: RolePolicy, after: RolePolicy, places: readonly Place[]): Change[] {
  const who = `role ${role}`;
  const [was, is] = [before.roles.includes(role), after.roles.includes(role)];
  if (!was || !is) return [{ who, what: "the role", before: was ? "there" : absent, after: is ? "there" : absent }, ...surveyed()];
  return surveyed();

  function surveyed(): Change[] {
    const of = (policy: RolePolicy, there: boolean) =>
      there ? survey(policy.permissions(caller("", [role])), places) : new Map<string, string>();
    const [old, young] = [of(before, was), of(after, is)];
    return [...new Set([...old.keys(), ...young.keys()])]
      .map((what) => ({ who, what, before: old.get(what) ?? missing(what), after: young.get(what) ?? missing(what) }))
      .filter((change) => change.before !== change.after && !isPart(change, old, young));
  }
}

/** Whether a column changes only as its whole table does. */
function isPart({ what, before, after }: Omit<Change, "who">, old: Survey, young: Survey): boolean {
  const table = /^(.*: .*)(?:\.[^.]*|, rows)$/s.exec(what)?.[1] ?? "";
  const gone = old.has(table) && (young.get(table) ?? hidden) === hidden;
  const come = young.has(table) && (old.get(table) ?? hidden) === hidden;
  return gone || (come && (after === "plain" || before === after));
}

/** What it means that a survey says nothing of a thing. */
function missing(what: string): string {
  if (what.endsWith(", rows")) return "all";
  return what.includes(": ") ? hidden : "none";
}

function rolesOf(who: string, before: Permissions, after: Permissions): Change[] {
  const told = ({ roles }: Permissions): string => (roles.length === 0 ? "none" : [...roles].sort().join(", "));
  return told(before) === told(after) ? [] : [{ who, what: "roles", before: told(before), after: told(after) }];
}
