import type { Params } from "../../../core/contract/driver.ts";
import type { Sendable } from "../guard/guard.ts";
import { refusal } from "../refusal.ts";
import { type Kind, kindOf } from "../sql/kind.ts";
import { statementsOf, type Token, tokensOf } from "../sql/lexer.ts";
import { checkCount, type Numbered, numbered } from "../sql/params.ts";
import { parameterText } from "../values/encode.ts";
import type { Names } from "../values/names.ts";
import { describeStatement, parse } from "../wire/messages.ts";
import { type Field, readFields, readParameterTypes, type ServerError } from "../wire/replies.ts";
import { tag } from "../wire/wire.ts";
import type { Work } from "../work.ts";

/** One statement that the server has read, and not run. */
export interface Described {
  /** As the server gets it. */
  readonly sql: string;
  readonly tokens: readonly Token[];
  readonly kind: Kind;
  readonly parameterTypes: readonly number[];
  readonly fields: readonly Field[];
}

/** A description and its parameters, ready to run. */
export interface Bound extends Described {
  readonly values: readonly (string | null)[];
}

export interface Describer {
  /** The kind of every statement of a text. */
  kinds(work: Work, sql: string): Promise<readonly Kind[]>;
  /** The one statement of a text, in the words `send` gives it. @throws SQL_INVALID when there is none, or more */
  bound(work: Work, sql: string, params: Params, send?: Sender): Promise<Bound>;
}

/** Says how a text with numbered parameters is sent. */
export type Sender = (work: Work, sql: string) => Promise<Sendable>;

/** The server's own error, and where in the caller's text it points. */
export type LocatedError = ServerError & { readonly offset?: number };

export function createDescriber(names: Names): Describer {
  /** A statement is analysed before it is run: the second look at one text is saved. */
  let last: Described | undefined;

  const look = async (work: Work, { sql, original }: Pick<Numbered, "sql" | "original">): Promise<Described> => {
    const statements = statementsOf(sql);
    const tokens = statements[0] ?? [];
    const { parameterTypes, fields } = await ask(work, sql).catch(async (error) => {
      await work.synchronized();
      throw located(error, sql, original);
    });
    await names.learn(work, fields);
    // More than one for us and one for the server: nothing is sure.
    return { sql, tokens, kind: statements.length === 1 ? kindOf(tokens) : severalKinds(tokens), parameterTypes, fields };
  };

  return {
    async kinds(work, sql) {
      checkText(sql);
      const text = numbered(sql, undefined);
      const statements = statementsOf(text.sql);
      if (statements.length === 0) return [];
      try {
        last = await look(work, text);
        return [last.kind];
      } catch (error) {
        if (isSeveral(error)) return statements.map(kindOf);
        if (isUndecided(error) && statements[0] !== undefined) return [kindOf(statements[0])];
        throw error;
      }
    },
    async bound(work, sql, params, send) {
      checkText(sql);
      const text = numbered(sql, params);
      if (statementsOf(text.sql).length === 0)
        throw refusal({ code: "SQL_INVALID", message: "The text holds no statement", hint: "Write one SQL statement" });
      const sent = await send?.(work, text.sql);
      const described = sent?.isNarrower
        ? await look(work, { sql: sent.sql, original: nowhere })
        : last?.sql === text.sql
          ? last
          : await look(work, text);
      last = undefined;
      if (sent?.refused !== undefined) throw refusal(sent.refused);
      checkCount(described.parameterTypes.length, text.values.length);
      return {
        ...described,
        ...(sent !== undefined && { sql: sent.sql, tokens: tokensOf(sent.sql), kind: sent.kind ?? described.kind }),
        values: text.values.map((value, index) => parameterText(value, described.parameterTypes[index] ?? 0, index + 1)),
      };
    },
  };
}

async function ask(work: Work, sql: string): Promise<Pick<Described, "parameterTypes" | "fields">> {
  let parameterTypes: number[] = [];
  let fields: Field[] = [];
  work.synced(parse(sql), describeStatement);
  while ((await work.reply()) !== tag.ready) {
    const { type, bytes, start } = work.wire;
    if (type === tag.parameterDescription) parameterTypes = readParameterTypes(bytes, start);
    else if (type === tag.rowDescription) fields = readFields(bytes, start);
  }
  return { parameterTypes, fields };
}

/** `CREATE FUNCTION … BEGIN ATOMIC …; END` is one statement with semicolons in it. */
function severalKinds(tokens: readonly Token[]): Kind {
  return kindOf(tokens) === "schema" ? "schema" : "unknown";
}

/** `cannot insert multiple commands into a prepared statement` */
export function isSeveral(error: unknown): boolean {
  return isServerError(error) && error.code === "42601" && error.routine === "exec_parse_message";
}

/** The type of a parameter shows only when its value comes. */
function isUndecided(error: unknown): boolean {
  return isServerError(error) && error.code === "42P18";
}

export function isServerError(error: unknown): error is LocatedError {
  // Poolers leave the severity out that postgres.js looks for.
  if (!(error instanceof Error) || !("severity" in error || "severity_local" in error)) return false;
  return "code" in error && /^[0-9A-Z]{5}$/.test(String(error.code));
}

/** PostgreSQL counts characters from 1, JavaScript UTF-16 units from 0. */
export function located(error: unknown, sql: string, original: Numbered["original"]): unknown {
  if (!isServerError(error) || error.position === undefined) return error;
  let offset = 0;
  for (let left = Number(error.position) - 1; left > 0 && offset < sql.length; left--)
    offset += (sql.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1;
  const place = original(offset);
  return Number.isNaN(place) ? error : Object.assign(error, { offset: place });
}

/** Places of a text that the caller did not write mean nothing to them. */
const nowhere = (): number => Number.NaN;

function checkText(sql: string): void {
  const position = sql.indexOf("\0");
  if (position !== -1) {
    throw refusal({ code: "SQL_INVALID", message: "The SQL text holds U+0000", hint: "Remove the character", position });
  }
  if (!sql.isWellFormed())
    throw refusal({ code: "SQL_INVALID", message: "The SQL text is not well-formed Unicode", hint: "Remove the lone surrogate" });
}
