import type { MaskForm, RelationRestriction } from "../../../core/contract/analysis.ts";
import type { Value } from "../../../core/contract/rows.ts";
import { tokensOf } from "../sql/lexer.ts";
import { replaceAt } from "../sql/params.ts";
import type { Relation, Snapshot } from "./snapshot.ts";

/** What may be seen of a relation, by all the restrictions that its rows are under. What is made of a masked column is masked too. */
export interface Narrowed {
  readonly hidden: ReadonlySet<string>;
  readonly masks: ReadonlyMap<string, { readonly form: MaskForm; readonly salt: string }>;
  readonly where: readonly string[];
}

export function narrowed(restrictions: readonly RelationRestriction[], relations: readonly Relation[]): Narrowed {
  const masks = new Map<string, { readonly form: MaskForm; readonly salt: string }>();
  for (const { masks: own, salt = "" } of restrictions)
    for (const { column, form } of own) if (!masks.has(column)) masks.set(column, { form, salt });
  const hidden = new Set(restrictions.flatMap((each) => each.hidden));
  for (const { generated } of relations)
    for (const [column, parts] of generated)
      if (!masks.has(column) && parts.some((part) => hidden.has(part) || masks.has(part))) masks.set(column, { form: "redact", salt: "" });
  return {
    hidden,
    masks,
    where: [...new Set(restrictions.flatMap(({ where, values }) => where.map((condition) => filled(condition, values))))],
  };
}

/** The part of a relation that may be seen, as a query. In a view that names them, hidden columns are null. */
export function permitted(relation: Relation, { hidden, masks, where }: Narrowed, inView: boolean, snapshot: Snapshot): string {
  const columns = relation.columns.flatMap((name, at) => {
    const type = relation.types[at] ?? 0;
    if (hidden.has(name)) return inView ? [`${nothing(type, snapshot)} AS ${quoted(name)}`] : [];
    const mask = masks.get(name);
    if (mask === undefined) return [quoted(name)];
    const value = typeof mask.form === "string" ? masked(quoted(name), type, mask.form, mask.salt, snapshot) : `(${mask.form.sql})`;
    return [`${value} AS ${quoted(name)}`];
  });
  const conditions = where.map((condition) => `(${condition})`).join(" AND ");
  return `SELECT ${columns.join(", ")} FROM ${[relation.schema, relation.name].map(quoted).join(".")}${conditions === "" ? "" : ` WHERE ${conditions}`}`;
}

/** A mask keeps a column's type wherever it can, so that what is computed from it still works. */
function masked(column: string, type: number, form: Exclude<MaskForm, object>, salt: string, snapshot: Snapshot): string {
  const base = baseOf(type, snapshot);
  const isText = base?.category === "S";
  if (form === "hash") {
    const text = `pg_catalog.concat(${literal(salt)}, CAST(${column} AS pg_catalog.text))`;
    const hash = `pg_catalog.substr(pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(${text}, 'UTF8')), 'hex'), 1, 16)`;
    return `CASE WHEN ${column} IS NULL THEN NULL ELSE ${isText ? cast(hash, type, snapshot) : hash} END`;
  }
  if (form === "null" || !isText) return nothing(type, snapshot);
  if (form === "redact") return cast("'***'", type, snapshot);
  const text = `CAST(${column} AS pg_catalog.text)`;
  const shown = `CASE WHEN pg_catalog.length(${text}) > 4 THEN pg_catalog.concat(pg_catalog.substr(${text}, 1, 1), '***') ELSE '***' END`;
  return `CASE WHEN ${column} IS NULL THEN NULL ELSE ${cast(shown, type, snapshot)} END`;
}

const nothing = (type: number, snapshot: Snapshot): string => cast("NULL", type, snapshot);

function cast(value: string, type: number, snapshot: Snapshot): string {
  const base = baseOf(type, snapshot) ?? snapshot.rowsOf(type);
  return base === undefined ? value : `CAST(${value} AS ${quoted(base.schema)}.${quoted(base.name)})`;
}

/** A domain may refuse what a mask puts in its place. */
function baseOf(type: number, snapshot: Snapshot) {
  const found = snapshot.typeBy(type);
  return found?.sort === "d" ? snapshot.typeBy(found.base) : found;
}

/** Puts values into a condition; `:name` in a text, and what is part of `::`, is no placeholder. */
function filled(condition: string, values: Readonly<Record<string, Value>>): string {
  const tokens = tokensOf(condition);
  const uses = tokens.flatMap(({ kind, text, start }, at) => {
    const isUse = kind === "word" && tokens[at - 1]?.text === ":" && condition[start - 1] === ":" && Object.hasOwn(values, text);
    return isUse ? [{ start: start - 1, end: start + text.length, by: valueText(values[text] ?? null) }] : [];
  });
  return replaceAt(condition, uses).sql;
}

function valueText(value: Value): string {
  if (value === null) return "NULL";
  if (typeof value === "number" && Number.isFinite(value)) return `(${value})`;
  if (typeof value === "bigint") return `(${value})`;
  return typeof value === "boolean" ? String(value) : literal(String(value));
}

/** The session has standard strings; where it had not, a backslash would be read in another way, and so it is written as an escape. */
const literal = (text: string): string =>
  text.includes("\\") ? ` E'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'` : `'${text.replaceAll("'", "''")}'`;

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
