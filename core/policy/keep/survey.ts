import { maskName } from "../narrowing-text.ts";
import type { Permissions, RolePolicy } from "../roles/compile.ts";
import { verbs } from "../roles/schema.ts";

/** A table to look at, with the columns to look at in it. */
export interface Place {
  readonly connection: string;
  readonly schema?: string | undefined;
  readonly table: string;
  readonly columns: readonly string[];
}

/** What is so of each thing, by its name: `shop: main.customers.email` → `masked (hash)`. */
export type Survey = ReadonlyMap<string, string>;

/** What is said of a table or column that is not there for somebody. */
export const hidden = "hidden";

/** What somebody's roles make of each table and column, and of calls as a whole. */
export function survey(permissions: Permissions, places: readonly Place[]): Survey {
  return new Map([...settingsOf(permissions), ...places.flatMap((place) => tableOf(permissions, place))]);
}

function tableOf({ grants }: Permissions, { connection, schema, table: name, columns }: Place): [string, string][] {
  const table = grants.table({ connection, schema, table: name });
  const granted = verbs.filter((verb) => table.may(verb));
  const title = `${connection}: ${schema === undefined ? "" : `${schema}.`}${name}`;
  if (granted.length === 0) return [[title, hidden]];
  const where = table.filters.map((rule) => rule.where ?? "").sort();
  return [
    [title, granted.join(", ")],
    ...(where.length > 0 ? [[`${title}, rows`, `where ${where.join(" and ")}`] as [string, string]] : []),
    ...columns.map((column): [string, string] => {
      const { visible, mask } = table.column(column, "select");
      return [`${title}.${column}`, visible ? (mask === undefined ? "plain" : `masked (${maskName(mask)})`) : hidden];
    }),
  ];
}

/** What limits are called in a policy; a time is in milliseconds. */
export const limitNames: Readonly<Record<string, string>> = {
  maxRows: "rows",
  maxBytes: "bytes",
  maxMillis: "time",
  maxCost: "cost",
  maxAffectedRows: "affectedRows",
};

function settingsOf({ entries, limits }: Permissions): [string, string][] {
  const found: [string, string][] = Object.entries(limits).map(([name, value]) => [`limit ${limitNames[name] ?? name}`, String(value)]);
  for (const { entry, role } of entries) {
    if (entry.limits?.rate !== undefined) found.push([`limit rate (role ${role})`, entry.limits.rate]);
    if (entry.functions?.deny) found.push([`functions refused (role ${role})`, [...entry.functions.deny].sort().join(", ")]);
    if (entry.functions?.allow) found.push([`functions vouched for (role ${role})`, [...entry.functions.allow].sort().join(", ")]);
    if (entry.patterns) found.push([`statements (role ${role})`, [...entry.patterns].sort().join(", ")]);
    if (entry.tools) found.push([`tools (role ${role})`, [...entry.tools].sort().join(", ")]);
    if (entry.files !== undefined) found.push([`files (role ${role})`, String(entry.files)]);
    if (entry.hours) found.push([`hours (role ${role})`, hours(entry.hours)]);
    if (entry.confirm !== undefined) found.push([`confirm (role ${role})`, entry.confirm]);
    if (entry.whereRequired !== undefined) found.push([`where required (role ${role})`, String(entry.whereRequired)]);
  }
  return found;
}

const hours = ({
  days,
  from,
  to,
  zone = "UTC",
}: {
  days?: readonly string[] | undefined;
  from: string;
  to: string;
  zone?: string | undefined;
}) => `${days === undefined ? "" : `${days.join(" ")} `}${from} to ${to} ${zone}`;

/** Every table and column that rules of the policies name. A pattern stands for itself, for `*` meets all that `h*` does. */
export function namedPlaces(policies: readonly RolePolicy[]): Place[] {
  const rules = policies.flatMap((policy) => policy.rules.flatMap(({ entry }) => [entry, ...(entry.except ?? [])]));
  const tables = new Map<string, Omit<Place, "columns">>();
  for (const { connection = ["*"], schema = [undefined], table = ["*"] } of [{}, ...rules])
    for (const name of connection)
      for (const within of schema)
        for (const each of table)
          tables.set(JSON.stringify([name, within, each]), {
            connection: name,
            table: each,
            ...(within !== undefined && { schema: within }),
          });
  const columns = [...new Set([...rules.flatMap(({ column = [] }) => column), "*"])];
  return [...tables.values()].map((place) => ({ ...place, columns }));
}
