import type { MaskForm, RelationRestriction } from "../../../core/contract/analysis.ts";
import { tokensOf } from "../lexer.ts";
import { refusal } from "../refusal.ts";
import type { Session } from "../session.ts";
import { type KnownRelation, type Names, tellingOf } from "./names.ts";
import { nameOf, wordsOf } from "./words.ts";

/** Calls the engine's hash of two expressions, the salt and the value. */
export type Hash = (salt: string, column: string) => string;

/** Views that reach a restricted table, each after those it reads. A word is enough: one view too many does no harm. */
export function viewsOver(guarded: ReadonlyMap<string, string>, names: Names): KnownRelation[] {
  const found: KnownRelation[] = [];
  const touched = new Set(guarded.keys());
  const views = [...names.values()].filter(({ kind }) => kind === "view");
  for (let grown = true; grown; ) {
    grown = false;
    for (const view of views) {
      if (touched.has(view.name.toLowerCase()) || !view.words.some((word) => touched.has(nameOf(word)))) continue;
      touched.add(view.name.toLowerCase());
      found.push(view);
      grown = true;
    }
  }
  return found;
}

/** The engine keeps `CREATE VIEW name …` as it was written from the name on. */
export function bodyOf(sql: string): string {
  const [, , name] = [...tokensOf(sql)];
  return name === undefined ? "" : sql.slice(name.start + name.text.length);
}

export const rowidsIn = (sql: string): string[] =>
  ["rowid", "oid", "_rowid_"].filter((name) => sql.toLowerCase().includes(name) && wordsOf(sql).some((word) => nameOf(word) === name));

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const literal = (value: unknown): string =>
  typeof value === "number" || typeof value === "bigint" ? String(value) : `'${String(value ?? "").replaceAll("'", "''")}'`;

/**
 * An index over a masked column that holds all a statement needs is read instead of the table, and gives the rows in the order
 * of what is masked. A column that it does not hold, for each such index, keeps the engine from that.
 */
export function columnsApart(
  { database }: Pick<Session, "database">,
  table: KnownRelation,
  { hidden, masks }: RelationRestriction,
): string[] {
  const restricted = tellingOf(table, [...hidden, ...masks.map(({ column }) => column)]);
  // Every index holds the key of its table.
  const free = database.prepare("select name from pragma_table_xinfo(?, 'main') where pk = 0 and hidden = 0").all(table.name);
  const indexes = database
    .prepare(
      `select coalesce(s.sql, ''), (select json_group_array(lower(name)) from pragma_index_xinfo(l.name, 'main'))
        from pragma_index_list(?, 'main') l left join main.sqlite_schema s on s.type = 'index' and s.name = l.name`,
    )
    .all(table.name) as unknown as [string, string][];
  const apart = indexes.flatMap(([sql, json]) => {
    const held: readonly (string | null)[] = JSON.parse(json);
    if (![...held, ...wordsOf(sql).map(nameOf)].some((name) => name !== null && restricted.has(name))) return [];
    return (free as unknown as [string][]).find(([name]) => !held.includes(name.toLowerCase())) ?? [];
  });
  return [...new Set(apart)];
}

/** The part of a table that may be seen, as a query. */
export function permitted(
  table: KnownRelation,
  { hidden, masks, where, values, salt = "" }: RelationRestriction,
  { hash, apart, rowids }: { readonly hash: Hash | undefined; readonly apart: readonly string[]; readonly rowids: readonly string[] },
): string {
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  const telling = tellingOf(table, [...hidden, ...masks.map(({ column }) => column)]);
  const columns = table.columns.flatMap((name, at) => {
    if (hidden.some((column) => same(column, name))) return [];
    // Through its arguments a full-text table tells every column, masked or not.
    if (telling.size > 0 && table.hidden.has(name.toLowerCase())) return [];
    const form = masks.find(({ column }) => same(column, name))?.form ?? (telling.has(name.toLowerCase()) ? "redact" : undefined);
    return [form === undefined ? quoted(name) : `${masked(quoted(name), table.types[at] ?? "", form, { salt, hash })} as ${quoted(name)}`];
  });
  const conditions = [
    ...where.map((condition) => `(${filled(condition, values)})`),
    ...apart.map((name) => `${quoted(name)} is ${quoted(name)}`),
  ];
  // A view has no rowid; where a text names it, it is a column like others.
  if (table.hasRowid && columns.length > 0)
    columns.push(...rowids.filter((name) => !table.columns.some((column) => same(column, name))).map((name) => `${name} as ${name}`));
  return `select ${columns.join(", ") || "null as hidden"} from main.${quoted(table.name)}${conditions.length > 0 ? ` where ${conditions.join(" and ")}` : ""}`;
}

/** Declared types are only advice in SQLite: what is masked by text is masked whatever it holds. */
function masked(
  column: string,
  type: string,
  form: MaskForm,
  { salt, hash }: { readonly salt: string; readonly hash: Hash | undefined },
): string {
  if (typeof form !== "string") return `(${form.sql})`;
  const isText = /char|clob|text|^$/i.test(type);
  if (form === "null" || (!isText && form !== "hash")) return "null";
  if (form === "redact") return "'***'";
  if (form === "hash") return hash?.(literal(salt), column) ?? "'***'";
  return `(case when ${column} is null then null when length(${column}) > 4 then substr(${column}, 1, 1) || '***' else '***' end)`;
}

/** Puts values into a condition. A name in a literal is no placeholder. */
function filled(condition: string, values: RelationRestriction["values"]): string {
  return condition.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|:([A-Za-z_]\w*)/g, (token, name: string | undefined) =>
    name === undefined ? token : literal(values[name]),
  );
}

export function viewRestricted({ name }: KnownRelation): Error {
  return refusal({
    code: "UNSUPPORTED",
    message: `The policy masks or filters the view "${name}" itself, and the driver can do so with tables only`,
    hint: "Have the rule name the tables the view reads",
  });
}
