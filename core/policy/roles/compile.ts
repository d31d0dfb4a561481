import { basename } from "node:path";
import { readDuration, readSize } from "../../config/units.ts";
import type { Principal } from "../../contract/policy.ts";
import type { AskCasbin } from "../casbin.ts";
import { type Ask, casbinGrants } from "./casbin-grants.ts";
import { checkCycle, checkFile } from "./check.ts";
import { createGrants, type Grants } from "./grants.ts";
import { policyProblem, type ReadPolicy } from "./read.ts";
import { createRule, type Rule } from "./rule.ts";
import type { PolicyFile, RoleEntry, RuleEntry } from "./schema.ts";

/** What somebody's roles come to. */
export interface Permissions {
  readonly roles: readonly string[];
  /** Whether the policy knows anything of them: a role, or Casbin, which is asked for everybody. */
  readonly knownTo: boolean;
  readonly grants: Grants;
  /** The entries of the roles, for all that is not a rule: limits, functions, hours. */
  readonly entries: readonly { readonly role: string; readonly entry: RoleEntry }[];
  readonly limits: Limits;
  readonly values: Readonly<Record<string, string | number>>;
}

export interface Limits {
  readonly maxRows?: number;
  readonly maxBytes?: number;
  readonly maxMillis?: number;
  readonly maxCost?: number;
  readonly maxAffectedRows?: number;
  readonly joins?: number;
  readonly depth?: number;
  readonly relations?: number;
}

/** All policy files as one, checked; asks nothing of the outside. */
export interface RolePolicy {
  readonly files: readonly string[];
  /** Files that the policy names and depends on. */
  readonly besides: readonly string[];
  readonly roles: readonly string[];
  /** Those listed by their ids. */
  readonly principals: readonly string[];
  readonly auditSql: boolean;
  permissions(principal: Principal): Permissions;
  /** What each mask and filter names, for checks against a live catalog. */
  readonly rules: readonly PlacedRule[];
}

export interface PlacedRule {
  readonly role: string;
  readonly entry: RuleEntry;
  readonly file: string;
  readonly line: number;
}

/** Callers with different values are as many as there are accounts. */
const mostRemembered = 1000;

type Section = "roles" | "groups" | "principals";

interface Casbin {
  readonly ask: AskCasbin;
  readonly columns: boolean;
  readonly files: readonly string[];
}

/** Which file defines each name. */
type Origin = Readonly<Record<Section, Map<string, ReadPolicy>>>;

/** Joins policy files. @throws CONFIG_INVALID with file, line and remedy for whatever cannot hold */
export function compilePolicy(
  files: readonly ReadPolicy[],
  known: { readonly connections: readonly string[]; readonly tools: readonly string[] },
  casbin?: Casbin,
): RolePolicy {
  const origin: Origin = { roles: new Map(), groups: new Map(), principals: new Map() };
  for (const file of files) for (const section of ["roles", "groups", "principals"] as const) claim(file, section, origin[section]);
  const roleOf = (name: string): RoleEntry | undefined => origin.roles.get(name)?.policy.roles?.[name];
  const membersOf = membership(origin, onlyOne(files, "default") ?? [], roleOf);
  const placed = files.flatMap(placedRules);
  const rulesOf = rulesByRole(placed);
  if (casbin !== undefined) for (const rule of placed) refuseGrant(rule);
  for (const file of files) checkFile(file, [...origin.roles.keys()], [...origin.groups.keys()], known);
  for (const [name, file] of origin.roles) checkCycle(name, file, roleOf);

  const permissionsOf = (principal: Principal, { roles, values }: Membership): Permissions => {
    const entries = roles.map((role) => ({ role, entry: roleOf(role) ?? {} }));
    const rules = roles.flatMap((role) => rulesOf.get(role) ?? []);
    const limits = limitsOf(entries.map(({ entry }) => entry.limits));
    if (casbin === undefined) return { roles, knownTo: roles.length > 0, grants: createGrants(rules), entries, limits, values };
    // An id that reads like a role must not bring its rights.
    const subjects = roleOf(principal.id) === undefined ? [principal.id, ...roles] : roles;
    const all = createGrants([createRule("casbin", { access: "admin" }), ...rules]);
    return { roles, knownTo: true, grants: casbinGrants(all, anyOf(casbin.ask, subjects), casbin.columns), entries, limits, values };
  };
  return {
    files: files.map(({ file }) => file),
    besides: casbin?.files ?? [],
    roles: [...origin.roles.keys()],
    principals: [...origin.principals.keys()],
    auditSql: files.some(({ policy }) => policy.audit?.sql === true),
    permissions: remembered(membersOf, permissionsOf, casbin !== undefined),
    rules: placed,
  };
}

interface Membership {
  readonly roles: readonly string[];
  readonly values: Readonly<Record<string, string | number>>;
}

/** Who has which roles: those listed for an id, those its credentials carry, or the default. */
function membership(origin: Origin, defaults: readonly string[], roleOf: (name: string) => RoleEntry | undefined) {
  const ofGroup = (name: string): readonly string[] | undefined => origin.groups.get(name)?.policy.groups?.[name];
  return (principal: Principal): Membership => {
    const listed = origin.principals.get(principal.id)?.policy.principals?.[principal.id];
    const groups = (listed?.groups ?? []).flatMap((group) => ofGroup(group) ?? []);
    const carried = principal.roles.flatMap((name) => ofGroup(name) ?? (roleOf(name) ? [name] : []));
    const own = [...(listed?.roles ?? []), ...groups, ...carried];
    const roles = closure(own.length > 0 || listed !== undefined ? own : defaults, roleOf);
    return { roles, values: { ...listed?.values, ...principal.values } };
  };
}

/** The same answer for the same principal, and for others who come to the same. */
function remembered(
  membersOf: (principal: Principal) => Membership,
  permissionsOf: (principal: Principal, member: Membership) => Permissions,
  byId: boolean,
): (principal: Principal) => Permissions {
  const byPrincipal = new WeakMap<Principal, Permissions>();
  const byMembership = new Map<string, Permissions>();
  const find = (principal: Principal): Permissions => {
    const member = membersOf(principal);
    const key = JSON.stringify([member.roles, member.values, byId && principal.id]);
    const found = byMembership.get(key) ?? permissionsOf(principal, member);
    if (byMembership.size >= mostRemembered) byMembership.clear();
    byMembership.set(key, found);
    return found;
  };
  return (principal) => {
    const found = byPrincipal.get(principal) ?? find(principal);
    byPrincipal.set(principal, found);
    return found;
  };
}

function rulesByRole(placed: readonly PlacedRule[]): Map<string, Rule[]> {
  const found = new Map<string, Rule[]>();
  for (const { role, entry, file, line } of placed) {
    const rules = found.get(role) ?? [];
    // The folder is nobody's business who is told of a rule.
    rules.push(createRule(`role ${role}, rule ${rules.length + 1} (${basename(file)}:${line})`, entry));
    found.set(role, rules);
  }
  return found;
}

/** One yes is enough, as grants of several roles add up. */
function anyOf(ask: AskCasbin, subjects: readonly string[]): Ask {
  return (object, verb) => {
    const answers = subjects.map((subject) => ask(subject, object, verb));
    return answers.find(({ allowed }) => allowed) ?? answers.find(({ refusal }) => refusal !== undefined) ?? { allowed: false };
  };
}

/** Two places that grant would each be believed to be the only one. */
function refuseGrant({ file, line, entry }: PlacedRule): void {
  if (entry.access === "none" || (entry.access === undefined && entry.verbs === undefined)) return;
  throw policyProblem(
    file,
    line,
    "the rule grants access, and Casbin decides on that here",
    "Grant it in the Casbin policy, or take casbin out",
  );
}

function placedRules({ file, policy, lineOf }: ReadPolicy): PlacedRule[] {
  return Object.entries(policy.roles ?? {}).flatMap(([role, { rules = [] }]) =>
    rules.map((entry, at) => ({ role, entry, file, line: lineOf(["roles", role, "rules", at]) })),
  );
}

/** Notes which file defines each name. Two files that define one differently disagree. */
function claim(file: ReadPolicy, section: Section, owners: Map<string, ReadPolicy>): void {
  for (const [name, entry] of Object.entries(file.policy[section] ?? {})) {
    const earlier = owners.get(name);
    if (earlier !== undefined && JSON.stringify(earlier.policy[section]?.[name]) !== JSON.stringify(entry))
      throw policyProblem(
        file.file,
        file.lineOf([section, name]),
        `${section}.${name} is defined differently in ${earlier.file}:${earlier.lineOf([section, name])}`,
        "Keep one of the two definitions",
      );
    if (earlier === undefined) owners.set(name, file);
  }
}

/** What at most one file may say; two may say the same. */
export function onlyOne<Key extends "default" | "casbin">(files: readonly ReadPolicy[], key: Key): PolicyFile[Key] {
  const [first, ...others] = files.filter(({ policy }) => policy[key] !== undefined);
  const other = others.find(({ policy }) => JSON.stringify(policy[key]) !== JSON.stringify(first?.policy[key]));
  if (first !== undefined && other !== undefined)
    throw policyProblem(
      other.file,
      other.lineOf([key]),
      `${key} is defined differently in ${first.file}`,
      "Keep one of the two definitions",
    );
  return first?.policy[key];
}

/** The roles and all they inherit, each once, in the order they are reached. */
function closure(names: readonly string[], roleOf: (name: string) => RoleEntry | undefined): string[] {
  const reached = new Set<string>();
  const visit = (name: string): void => {
    if (reached.has(name) || roleOf(name) === undefined) return;
    reached.add(name);
    roleOf(name)?.inherits?.forEach(visit);
  };
  names.forEach(visit);
  return [...reached];
}

function limitsOf(entries: readonly RoleEntry["limits"][]): Limits {
  const least = (read: (limits: NonNullable<RoleEntry["limits"]>) => number | undefined): number | undefined => {
    const values = entries.map((limits) => (limits === undefined ? undefined : read(limits))).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : Math.min(...values);
  };
  const found: Record<keyof Limits, number | undefined> = {
    maxRows: least(({ rows }) => rows),
    maxBytes: least(({ bytes }) => readSize(bytes)),
    maxMillis: least(({ time }) => readDuration(time)),
    maxCost: least(({ cost }) => cost),
    maxAffectedRows: least(({ affectedRows }) => affectedRows),
    joins: least(({ joins }) => joins),
    depth: least(({ depth }) => depth),
    relations: least(({ relations }) => relations),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}
