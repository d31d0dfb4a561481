import { createHash, randomBytes } from "node:crypto";
import { constants } from "node:sqlite";
import type { MaskForm, RelationRestriction } from "../../../core/contract/analysis.ts";
import { tokensOf } from "../lexer.ts";
import { refusal } from "../refusal.ts";
import type { Session } from "../session.ts";
import type { Event } from "./events.ts";
import { type KnownRelation, type Names, tellingOf } from "./names.ts";
import { nameOf, wordsOf } from "./words.ts";

/** Lets a session see restricted tables through temporary views only. */
export interface Shadow {
  /** Puts the views in place for a text, or takes them away for an empty list. */
  arm(restrictions: readonly RelationRestriction[], sql?: string): void;
  /** The text for the engine: what names a table of `main` that is hidden by a view names the view instead. */
  redirected(sql: string): string;
  /** The statements that made the views in place. */
  views(): readonly string[];
  /** Whether an event may pass while views are in place. */
  permits(event: Event): boolean;
}

/**
 * A temporary view hides the table of the same name, for every statement and for other temporary views. It reads a second
 * view with a name nobody can guess, and the authorizer lets that one alone read the table: a common table expression may
 * be called like any view, and would pass for it.
 */
export function createShadow(session: Session, names: () => Names): Shadow {
  let armed = "";
  let seen: Names | undefined;
  let made: { readonly name: string; readonly sql: string }[] = [];
  /** Views that may be there: a rollback takes back what was made in its transaction, and brings back what was dropped in it. */
  const possible = new Set<string>();
  let unsure = false;
  let guarded = new Map<string, string>();
  const hash = registerHash(session);

  const disarm = (): void => {
    for (const name of [...possible].reverse()) session.database.exec(`drop view if exists temp.${quoted(name)}`);
    if (!session.database.isTransaction) possible.clear();
    made = [];
    guarded = new Map();
    armed = "";
  };
  const create = (name: string, body: string): void => {
    const sql = `create temp view ${quoted(name)} ${body}`;
    possible.add(name);
    session.database.exec(sql);
    made.push({ name, sql });
  };
  const redirected = (sql: string): string => {
    const hidden = new Set(made.map(({ name }) => name.toLowerCase()));
    const tokens = hidden.size === 0 ? [] : [...tokensOf(sql)];
    let text = sql;
    for (const [at, { text: word, start }] of tokens.entries()) {
      const isMain = nameOf(word.toLowerCase()) === "main" && tokens[at + 1]?.text === ".";
      // As many letters as before: places in the text stay what they are.
      if (isMain && hidden.has(nameOf(tokens[at + 2]?.text.toLowerCase() ?? "")))
        text = `${text.slice(0, start)}${word.replace(/main/i, "temp")}${text.slice(start + word.length)}`;
    }
    return text;
  };
  const build = (restrictions: readonly RelationRestriction[], rowids: readonly string[]): void => {
    const known = names();
    for (const restriction of restrictions) {
      const table = known.get(restriction.name.toLowerCase());
      if (table === undefined) continue;
      if (table.kind === "view")
        throw refusal({
          code: "UNSUPPORTED",
          message: `The policy masks or filters the view "${table.name}" itself, and the driver can do so with tables only`,
          hint: "Have the rule name the tables the view reads",
        });
      const secret = `tidegate_${randomBytes(12).toString("hex")}`;
      create(secret, `as ${permitted(table, restriction, { hash, rowids, apart: columnsApart(session, table, restriction) })}`);
      create(table.name, `as select * from temp.${quoted(secret)}`);
      guarded.set(table.name.toLowerCase(), secret);
    }
    for (const view of viewsOver(guarded, known)) create(view.name, redirected(bodyOf(view.sql)));
  };

  return {
    arm(restrictions, sql = "") {
      const rowids = restrictions.length === 0 ? [] : rowidsIn(sql);
      const wanted =
        restrictions.length === 0
          ? ""
          : JSON.stringify([restrictions, rowids], (_, value) => (typeof value === "bigint" ? `${value}n` : value));
      // Of another schema other views would have to be made.
      const now = names();
      if (!unsure && wanted === armed && (wanted === "" || now === seen)) return;
      seen = now;
      session.trusted(() => {
        const locked = session.readOnly;
        if (locked) session.database.exec("pragma query_only = 0");
        try {
          disarm();
          if (wanted !== "") build(restrictions, rowids);
          armed = wanted;
          unsure = session.database.isTransaction;
        } catch (error) {
          disarm();
          throw error;
        } finally {
          if (locked) session.database.exec("pragma query_only = 1");
        }
      });
    },
    redirected,
    views: () => made.map(({ sql }) => sql),
    permits({ action, first, second, database, within }) {
      if (armed === "" || action !== constants.SQLITE_READ) return true;
      if (/^sqlite_temp_(schema|master)$/i.test(first)) return false;
      // A table whose view was merged into the statement is asked for once more, without a column and on nobody's behalf.
      const secret = database === "main" && second !== "" ? guarded.get(first.toLowerCase()) : undefined;
      return secret === undefined || within === secret;
    },
  };
}

/** Views that reach a restricted table, each after those it reads. A word is enough: one view too many does no harm. */
function viewsOver(guarded: ReadonlyMap<string, string>, names: Names): KnownRelation[] {
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
function bodyOf(sql: string): string {
  const [, , name] = [...tokensOf(sql)];
  return name === undefined ? "" : sql.slice(name.start + name.text.length);
}

const rowidsIn = (sql: string): string[] =>
  ["rowid", "oid", "_rowid_"].filter((name) => sql.toLowerCase().includes(name) && wordsOf(sql).some((word) => nameOf(word) === name));

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const literal = (value: unknown): string =>
  typeof value === "number" || typeof value === "bigint" ? String(value) : `'${String(value ?? "").replaceAll("'", "''")}'`;

/**
 * An index over a masked column that holds all a statement needs is read instead of the table, and gives the rows in the order
 * of what is masked. A column that it does not hold, for each such index, keeps the engine from that.
 */
function columnsApart({ database }: Session, table: KnownRelation, { hidden, masks }: RelationRestriction): string[] {
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
function permitted(
  table: KnownRelation,
  { hidden, masks, where, values, salt = "" }: RelationRestriction,
  { hash, apart, rowids }: { readonly hash: string | undefined; readonly apart: readonly string[]; readonly rowids: readonly string[] },
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
  { salt, hash }: { readonly salt: string; readonly hash: string | undefined },
): string {
  if (typeof form !== "string") return `(${form.sql})`;
  const isText = /char|clob|text|^$/i.test(type);
  if (form === "null" || (!isText && form !== "hash")) return "null";
  if (form === "redact" || (form === "hash" && hash === undefined)) return "'***'";
  if (form === "hash") return `${hash}(${literal(salt)}, ${column})`;
  return `(case when ${column} is null then null when length(${column}) > 4 then substr(${column}, 1, 1) || '***' else '***' end)`;
}

/** Puts values into a condition. A name in a literal is no placeholder. */
function filled(condition: string, values: RelationRestriction["values"]): string {
  return condition.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|:([A-Za-z_]\w*)/g, (token, name: string | undefined) =>
    name === undefined ? token : literal(values[name]),
  );
}

/** SQLite has no cryptographic hash; the runtime does, where it lets functions be added. */
function registerHash({ database }: Session): string | undefined {
  if (typeof database.function !== "function") return undefined;
  database.function("tidegate_hash", { deterministic: true }, (salt, value) =>
    value === null
      ? null
      : createHash("sha256")
          .update(String(salt))
          .update(value instanceof Uint8Array ? value : String(value))
          .digest("hex")
          .slice(0, 16),
  );
  return "tidegate_hash";
}
