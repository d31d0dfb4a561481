import { constants, type DatabaseSync, type StatementSync } from "node:sqlite";
import type { Event } from "./guard/events.ts";
import { type Kind, kindOfEvent, kindOfSilence, stronger } from "./kind.ts";
import { skipBlank } from "./lexer.ts";
import { locate } from "./locate.ts";
import { refusal } from "./refusal.ts";

export interface Prepared {
  readonly statement: StatementSync;
  readonly kind: Kind;
}

/** One statement of a text, and all that the engine asked leave for. */
export interface Examined {
  readonly kind: Kind;
  readonly sql: string;
  readonly events: readonly Event[];
}

/** An open database behind its wall: callers' SQL passes `prepare` and `examine`, this driver's own passes `trusted`. */
export interface Session {
  readonly database: DatabaseSync;
  readonly readOnly: boolean;
  readonly hidesErrors: boolean;
  /** Prepares the one statement a text holds. @throws SQL_INVALID when there is none, or more */
  prepare(sql: string): Prepared;
  /** The kind of each statement in a text; nothing takes effect. */
  examine(sql: string): Examined[];
  /** What callers' statements may read while they run; until this is set, everything. */
  permit(permits: (event: Event) => boolean): void;
  trusted<Result>(work: () => Result): Result;
}

type Mode = "run" | "examine" | "trusted";

export function createSession(database: DatabaseSync, traits: { readonly readOnly: boolean; readonly hidesErrors: boolean }): Session {
  let mode: Mode = "run";
  let seen: Kind | undefined;
  let events: Event[] = [];
  let permits: (event: Event) => boolean = () => true;

  // It stays installed: VACUUM INTO, and a statement that is prepared again after the schema
  // changed, ask for permission only while they run.
  database.setAuthorizer((action, first, second, inDatabase, within) => {
    if (mode === "trusted") return constants.SQLITE_OK;
    const asked: Event = { action, first: first ?? "", second: second ?? "", database: inDatabase ?? "", within: within ?? "" };
    if (mode === "examine") events.push(asked);
    else if (!permits(asked)) return constants.SQLITE_DENY;
    const event = kindOfEvent(action, first, second);
    seen = seen === undefined ? event : stronger(seen, event);
    // An R-tree prepares its writes when it is read; the engine itself refuses to run them.
    if (event === "read" || event === "write") return constants.SQLITE_OK;
    if (mode === "run") return traits.readOnly ? constants.SQLITE_DENY : constants.SQLITE_OK;
    // Most pragmas take effect when they are prepared.
    return action === constants.SQLITE_PRAGMA ? constants.SQLITE_IGNORE : constants.SQLITE_OK;
  });

  const within = <Result>(entered: Mode, work: () => Result): Result => {
    const left = mode;
    mode = entered;
    try {
      return work();
    } finally {
      mode = left;
    }
  };
  const observe = (sql: string, how: Mode): Prepared => {
    seen = undefined;
    events = [];
    const statement = within(how, () => database.prepare(sql));
    return { statement, kind: seen ?? kindOfSilence(statement.sourceSQL) };
  };
  /** Prepares the statement that starts at `start`. */
  const examineAt = (sql: string, start: number): Prepared => {
    try {
      const first = observe(sql.slice(start), "examine");
      // A virtual table connects on first sight, and its own statements are seen with ours.
      return first.kind === "read" ? first : observe(sql.slice(start), "examine");
    } catch (error) {
      throw locate(error, sql, start, (text) => observe(text, "examine"));
    }
  };

  return {
    database,
    ...traits,
    trusted: (work) => within("trusted", work),
    prepare(sql) {
      const start = firstToken(sql);
      if (start === sql.length)
        throw refusal({ code: "SQL_INVALID", message: "The text holds no statement", hint: "Write one SQL statement" });
      const { statement, kind } = examineAt(sql, start);
      if (skipBlank(sql, start + statement.sourceSQL.length) < sql.length) {
        const message = "The text holds more than one statement";
        throw refusal({ code: "SQL_INVALID", message, hint: "Send each statement in a call of its own" });
      }
      return { statement: observe(sql.slice(start), "run").statement, kind };
    },
    permit(given) {
      permits = given;
    },
    examine(sql) {
      const statements: Examined[] = [];
      for (let start = firstToken(sql); start < sql.length; ) {
        const found = statements.length === 0 ? examineAt(sql, start) : attempt(() => examineAt(sql, start));
        statements.push({ kind: found?.kind ?? "unknown", sql: found?.statement.sourceSQL ?? sql.slice(start), events });
        // What follows a statement that cannot be read has no known start.
        if (found === undefined) break;
        start = skipBlank(sql, start + found.statement.sourceSQL.length);
      }
      return statements;
    },
  };
}

/** A later statement may need what an earlier one makes, and nothing has run: it stays unknown. */
function attempt(work: () => Prepared): Prepared | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

function firstToken(sql: string): number {
  const position = sql.indexOf("\0");
  if (position === -1) return skipBlank(sql);
  // The engine would stop reading there and run what stands before.
  throw refusal({
    code: "SQL_INVALID",
    message: "The SQL text holds U+0000",
    hint: "Remove the character, or bind the text as a parameter",
    position,
  });
}
