import type { Analysis, ColumnUse, RelationRestriction } from "../../contract/analysis.ts";
import type { ObjectName } from "../../contract/catalog.ts";
import type { Narrowing, PolicyRule, QueryRequest, Verdict } from "../../contract/policy.ts";
import type { Permissions, RolePolicy } from "./compile.ts";
import { catalogDenial, columnsOf, hiddenDenial, kindDenial, noRole, roleDenial, verbDenial, verbFor, writeDenial } from "./denials.ts";
import type { TableGrants } from "./grants.ts";
import { restriction } from "./restriction.ts";

/** What the rule needs to know of the world. */
export interface RolesDeps {
  /** The policy that holds now; `undefined` when none is configured. */
  readonly policy: () => RolePolicy | undefined;
  /** Every column of a relation by name, from the catalog; empty when it is not there. */
  readonly columns: (connection: string, relation: ObjectName) => readonly string[];
  /** What hashes of masked values are mixed with. */
  readonly salt: () => string;
  readonly now: () => Date;
}

/** Holds every statement against the roles of whoever sent it. Without a policy it narrows nothing. */
export function rolesRule(deps: RolesDeps): PolicyRule {
  const seen = rememberedSight();
  return {
    name: "roles",
    judge(request) {
      const policy = deps.policy();
      if (policy === undefined) return {};
      const permissions = policy.permissions(request.principal);
      if (!permissions.knownTo) return noRole(request.principal);
      const { analysis, kind } = request.statement;
      if (analysis === undefined) return unanalysed(permissions, request);
      return (
        hiddenDenial(permissions, request.connection, analysis) ??
        roleDenial(permissions, analysis, deps.now()) ??
        kindDenial(permissions, request.connection, kind, analysis) ??
        relations(permissions, request, analysis, { ...deps, seen })
      );
    },
  };
}

/** Without an analysis only somebody who may see all of a connection can be let through. */
function unanalysed({ grants, limits }: Permissions, { connection, statement }: QueryRequest): Verdict {
  if (grants.unrestricted(connection) && statement.kind === "read") return limits;
  return {
    deny: {
      code: "UNSUPPORTED",
      message: `The driver of "${connection}" cannot tell what a statement reads, and your roles do not open all of it`,
      hint: "Use a driver with an analyzer, or grant read on the whole connection",
    },
  };
}

function relations(permissions: Permissions, { connection }: QueryRequest, analysis: Analysis, { seen, ...deps }: Sighted): Verdict {
  const { grants, limits, values } = permissions;
  const restrictions: RelationRestriction[] = [];
  const rules = new Set<string>();
  for (const use of analysis.relations) {
    if (use.kind === "catalog") {
      const denial = catalogDenial(permissions, connection, use);
      if (denial !== undefined) return denial;
      continue;
    }
    const table = grants.table({ connection, schema: use.schema, table: use.name, view: use.kind === "view" });
    const verb = verbFor(use);
    const columns = columnsOf(analysis, use);
    const denial = verbDenial(table, use, columns, verb);
    if (denial !== undefined) return denial;
    const narrowed = seen(table, use, columns, deps.columns(connection, use), values);
    if (narrowed.restriction === undefined) continue;
    if (verb !== "select") return writeDenial(table, use, narrowed.restriction, columns);
    if (!restrictions.some(sameAs(use))) restrictions.push({ ...narrowed.restriction, salt: deps.salt() });
    for (const id of narrowed.rules) rules.add(id);
  }
  return narrowing(limits, restrictions, [...rules]);
}

function narrowing(limits: Permissions["limits"], restrictions: readonly RelationRestriction[], rules: readonly string[]): Narrowing {
  const { joins, depth, relations: most, ...narrowed } = limits;
  return { ...narrowed, ...(restrictions.length > 0 && { restrictions }), ...(rules.length > 0 && { rules }) };
}

const sameAs =
  (a: ObjectName) =>
  (b: ObjectName): boolean =>
    a.name === b.name && a.schema === b.schema;

type Sighted = RolesDeps & { readonly seen: ReturnType<typeof rememberedSight> };

interface Sight {
  /** The catalog's list this was made from; another list means another catalog. */
  readonly columns: readonly string[];
  readonly restriction: RelationRestriction | undefined;
  readonly rules: readonly string[];
}

/** What of a table somebody sees is the same for every statement, until the policy or the catalog changes. */
function rememberedSight() {
  const known = new WeakMap<TableGrants, Sight>();
  return (
    table: TableGrants,
    name: ObjectName,
    used: readonly ColumnUse[],
    ...[columns, values]: readonly [columns: readonly string[], values: Permissions["values"]]
  ): Omit<Sight, "columns"> => {
    const before = known.get(table);
    const listed = used.every(({ column }) => columns.includes(column));
    if (listed && before?.columns === columns) return before;
    const all = [...new Set([...columns, ...used.map(({ column }) => column)])];
    const sight = { columns, restriction: restriction(table, name, all, values), rules: ruleIds(table, all) };
    if (listed) known.set(table, sight);
    return sight;
  };
}

function ruleIds(table: TableGrants, columns: readonly string[]): string[] {
  const columnRules = columns.map((column) => table.column(column, "select").by?.id).filter((id) => id !== undefined);
  return [...new Set([...columnRules, ...table.filters.map(({ id }) => id)])];
}
