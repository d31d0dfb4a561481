import { createHash, randomBytes } from "node:crypto";
import { constants } from "node:sqlite";
import type { RelationRestriction } from "../../../core/contract/analysis.ts";
import { tokensOf } from "../lexer.ts";
import type { Session } from "../session.ts";
import type { Event } from "./events.ts";
import { fence, mayFail } from "./fence.ts";
import type { Names } from "./names.ts";
import { bodyOf, columnsApart, type Hash, permitted, quoted, rowidsIn, viewRestricted, viewsOver } from "./permitted.ts";
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
  const build = (restrictions: readonly RelationRestriction[], rowids: readonly string[], fenced: boolean): void => {
    const known = names();
    for (const restriction of restrictions) {
      const table = known.get(restriction.name.toLowerCase());
      if (table === undefined) continue;
      if (table.kind === "view") throw viewRestricted(table);
      const secret = `tidegate_${randomBytes(12).toString("hex")}`;
      create(secret, `as ${permitted(table, restriction, { hash, rowids, apart: columnsApart(session, table, restriction) })}`);
      create(table.name, `as select * from temp.${quoted(secret)}${fenced && restriction.where.length > 0 ? fence : ""}`);
      guarded.set(table.name.toLowerCase(), secret);
    }
    for (const view of viewsOver(guarded, known)) create(view.name, redirected(bodyOf(view.sql)));
  };

  return {
    arm(restrictions, sql = "") {
      const rowids = restrictions.length === 0 ? [] : rowidsIn(sql);
      // Of another schema other views would have to be made.
      const now = names();
      const fenced = restrictions.some(({ where }) => where.length > 0) && mayFail(wordsOf(sql), now);
      const wanted =
        restrictions.length === 0
          ? ""
          : JSON.stringify([restrictions, rowids, fenced], (_, value) => (typeof value === "bigint" ? `${value}n` : value));
      if (!unsure && wanted === armed && (wanted === "" || now === seen)) return;
      seen = now;
      session.trusted(() => {
        const locked = session.readOnly;
        if (locked) session.database.exec("pragma query_only = 0");
        try {
          disarm();
          if (wanted !== "") build(restrictions, rowids, fenced);
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

/** SQLite has no cryptographic hash; the runtime does, where it lets functions be added. */
function registerHash({ database }: Session): Hash | undefined {
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
  return (salt, column) => `tidegate_hash(${salt}, ${column})`;
}
