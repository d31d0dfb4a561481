import type { Analysis, ColumnUse, RelationRestriction, RelationUse } from "../../contract/analysis.ts";
import type { Statement } from "../../contract/driver.ts";
import type { Principal, Verdict } from "../../contract/policy.ts";
import { isNamed } from "../guard.ts";
import { notOpen } from "../not-open.ts";
import type { Permissions } from "./compile.ts";
import type { TableGrants } from "./grants.ts";
import { isOpen } from "./hours.ts";
import type { Verb } from "./schema.ts";

type Denial = Extract<Verdict, { deny: unknown }>;

const deny = (message: string, hint: string, rule?: string): Denial => ({
  deny: { code: "POLICY_DENIED", message, hint, ...(rule !== undefined && { rule }) },
});

/** The words for what is not there, and for whoever keeps the policy the rule that hides it. */
const hide = (kind: "object" | "column", name: string, rule: string | undefined): Denial => ({
  deny: { ...notOpen(kind, name), rule: rule ?? `no rule grants select on this ${kind === "object" ? "relation" : "column"}` },
});

export const noRole = ({ id }: Principal): Denial =>
  deny(`No role is given to "${id}"`, "Have a role added in the policy, under principals or default", "no role");

/** Refuses whoever has a role that is closed now. */
export function hoursDenial({ entries }: Permissions, now: Date): Denial | undefined {
  for (const { role, entry } of entries) {
    if (entry.hours !== undefined && !isOpen(entry.hours, now))
      return deny(
        `Role "${role}" is closed at this hour`,
        `Come back between ${entry.hours.from} and ${entry.hours.to} (${entry.hours.zone ?? "UTC"})`,
        `role ${role}, hours`,
      );
  }
  return undefined;
}

/** What a role refuses whatever the statement touches. */
export function roleDenial(permissions: Permissions, analysis: Analysis, now: Date): Denial | undefined {
  const { entries, limits } = permissions;
  const closed = hoursDenial(permissions, now);
  if (closed !== undefined) return closed;
  for (const { role, entry } of entries) {
    if (entry.patterns !== undefined && !entry.patterns.includes(analysis.fingerprint))
      return deny(
        `Role "${role}" allows known statements only, and this one (${analysis.fingerprint}) is not among them`,
        "Use one of the statements this role was made for, or have the fingerprint added to its patterns",
        `role ${role}, patterns`,
      );
    const refused = analysis.functions.find((used) => entry.functions?.deny?.some((known) => isNamed(used, known)));
    if (refused !== undefined)
      return deny(`Role "${role}" refuses the function "${refused.name}"`, "Leave the function out", `role ${role}, functions.deny`);
  }
  const strict = entries.find(({ entry }) => entry.whereRequired);
  if (analysis.everyRow && (strict !== undefined || entries.every(({ entry }) => entry.whereRequired === undefined)))
    return deny(
      `The ${analysis.verb} has no where, so it would change every row`,
      "Say which rows are meant with a where",
      strict === undefined ? "no role says whereRequired: false" : `role ${strict.role}, whereRequired`,
    );
  for (const key of ["joins", "depth", "relations"] as const) {
    const [most, is] = [limits[key], analysis.complexity[key]];
    if (most !== undefined && is > most)
      return deny(`The statement has ${key} ${is}, and your roles allow ${most}`, "Split it into smaller statements", `limits.${key}`);
  }
  return undefined;
}

/** Refuses what is no read or write of relations unless the whole kind was granted. */
export function kindDenial({ grants }: Permissions, connection: string, kind: Statement["kind"], { verb }: Analysis): Denial | undefined {
  if (kind === "read" || kind === "write") return undefined;
  const needed: Verb = kind === "schema" ? "ddl" : "admin";
  const whole = grants.table({ connection });
  if (whole.may(needed)) return undefined;
  return deny(
    `Your roles do not allow "${verb}" on "${connection}"`,
    kind === "schema" ? "Have access: schema granted" : "Have access: admin granted",
    whole.refusedBy(needed)?.id ?? `no rule grants ${needed} on all of "${connection}"`,
  );
}

/** Refuses what names anything that is not there for the caller. */
export function hiddenDenial({ grants }: Permissions, connection: string, analysis: Analysis): Denial | undefined {
  for (const use of analysis.relations) {
    if (use.kind === "catalog") continue;
    const table = grants.table({ connection, schema: use.schema, table: use.name });
    const verb = verbFor(use);
    if (!table.may("select") && !table.may(verb)) return hide("object", use.through?.[0]?.name ?? use.name, table.refusedBy("select")?.id);
    for (const { column, byStar } of columnsOf(analysis, use)) {
      if (byStar && verb === "select" && analysis.relations.some((other) => isDirect(other, use))) continue;
      const { visible, by } = table.column(column, "select");
      if (visible) continue;
      const via = use.through?.[0];
      if (via === undefined) return hide("column", column, by?.id);
      return deny(`The view "${full(via)}" shows a column that is not open to you`, "Leave that column of the view out", by?.id);
    }
  }
  return undefined;
}

/** Whether a statement names the same relation itself: a star may have reached it there. */
const isDirect = (other: RelationUse, { schema, name }: RelationUse): boolean =>
  other.through === undefined && other.name === name && other.schema === schema;

export function verbFor({ access }: RelationUse): Verb {
  if (access === "read") return "select";
  return access === "schema" ? "ddl" : access;
}

export const columnsOf = ({ columns }: Analysis, { schema, name }: RelationUse): ColumnUse[] =>
  columns.filter((column) => column.table === name && column.schema === schema);

/** What may be seen and not be changed. */
export function verbDenial(table: TableGrants, use: RelationUse, columns: readonly ColumnUse[], verb: Verb): Denial | undefined {
  if (!table.may(verb)) {
    const rule = table.refusedBy(verb)?.id;
    const message = `You may read "${full(use)}", and not ${verb} it${rule === undefined ? "" : `: ${rule}`}`;
    return deny(message, "Read it, or have the access granted", rule ?? `no rule grants ${verb}`);
  }
  const kept = verb === "select" ? undefined : columns.find(({ column }) => !table.column(column, verb).visible);
  if (kept === undefined) return undefined;
  return deny(
    `You may read "${kept.column}" of "${full(use)}", and not ${verb} it`,
    "Leave the column out of what is written",
    table.column(kept.column, verb).by?.id ?? `no rule grants ${verb}`,
  );
}

/** A write sees the rows and values themselves; what is filtered or masked for somebody cannot be written by them. */
export function writeDenial(
  table: TableGrants,
  use: RelationUse,
  { masks, where }: RelationRestriction,
  columns: readonly ColumnUse[],
): Denial {
  const masked = columns.find(({ column }) => masks.some((mask) => mask.column === column));
  const rule = (masked ? table.column(masked.column, "select").by : table.filters[0])?.id;
  const why = where.length > 0 ? "its rows are filtered for you" : "columns of it are masked or hidden for you";
  return deny(
    `Cannot ${use.access} "${full(use)}": ${why}${rule === undefined ? "" : ` (${rule})`}`,
    "Have somebody write who sees the table as it is",
    rule,
  );
}

/** The engine's own catalog tells names of hidden things, and values in its texts; only who may see all of a connection may ask it. */
export function catalogDenial({ grants }: Permissions, connection: string, use: RelationUse): Denial | undefined {
  if (grants.unrestricted(connection) || (use.tells === "names" && grants.allNamed(connection))) return undefined;
  return deny(`The engine's catalog "${full(use)}" also tells of what is not open to you`, "Use inspect: it shows what is open to you");
}

const full = ({ schema, name }: { readonly schema?: string; readonly name: string }): string =>
  schema === undefined ? name : `${schema}.${name}`;
