import { randomBytes } from "node:crypto";
import { constants } from "node:sqlite";
import type { RelationRestriction } from "../../../core/contract/analysis.ts";
import { type Event, writesOf } from "../../sqlite/guard/events.ts";
import { fence, mayFail } from "../../sqlite/guard/fence.ts";
import type { Names } from "../../sqlite/guard/names.ts";
import { bodyOf, columnsApart, type Hash, permitted, quoted, rowidsIn, viewRestricted, viewsOver } from "../../sqlite/guard/permitted.ts";
import { commonNames, nameOf, wordsOf } from "../../sqlite/guard/words.ts";
import { code } from "../diagnose.ts";
import { engineError } from "../engine-error.ts";
import { isRefusal, refusal } from "../refusal.ts";
import { type Token, tokensOf } from "../sql/lexer.ts";
import { explained, onePiece, type Piece } from "../sql/statements.ts";
import type { Mirror } from "./mirror.ts";

/** The engine has no SHA-256. What is hashed is the value's bytes, whatever it is declared as. */
const hash: Hash = (salt, column) =>
  `(case when ${column} is null then null else lower(substr(hex(sha3(${salt} || hex(cast(${column} as blob)), 256)), 1, 16)) end)`;

/**
 * Puts common table expressions before a statement that hide restricted tables, and the views over them, behind what may be
 * seen of them. The table itself is read by one with a name nobody can guess; the mirror tells whether anything else reads it.
 */
export function restricted(sql: string, restrictions: readonly RelationRestriction[], mirror: Mirror): string {
  if (restrictions.length === 0) return sql;
  const piece = onePiece(sql);
  const names = mirror.names();
  const secrets = new Map<string, string>();
  const tables: string[] = [];
  const fenced = mayFail(wordsOf(piece.sql), names);
  for (const restriction of restrictions) {
    const table = names.get(restriction.name.toLowerCase());
    if (table === undefined) continue;
    if (table.kind === "view") throw viewRestricted(table);
    const secret = `tidegate_${randomBytes(12).toString("hex")}`;
    const apart = columnsApart(mirror.session, table, restriction);
    tables.push(`${quoted(secret)} as (${permitted(table, restriction, { hash, apart, rowids: rowidsIn(piece.sql) })})`);
    tables.push(`${quoted(table.name)} as (select * from ${quoted(secret)}${fenced && restriction.where.length > 0 ? fence : ""})`);
    secrets.set(table.name.toLowerCase(), secret);
  }
  if (secrets.size === 0) return sql;
  const views = viewsOver(secrets, names);
  const hidden = new Set([...secrets.keys(), ...views.map(({ name }) => name.toLowerCase())]);
  const before = [...tables, ...views.map(({ name, sql }) => `${quoted(name)} ${viewBody(bodyOf(sql), hidden)}`)];
  const own = [...commonNames(piece.tokens.map(({ word }) => word))].some((name) => names.has(name));
  const text = withBefore({ ...piece, sql: unqualified(piece.sql, piece.tokens, hidden) }, before.join(", "), own);
  check(text, secrets, mirror);
  return text;
}

/** `(a, b) as select …` with the query in parentheses. */
function viewBody(body: string, hidden: ReadonlySet<string>): string {
  const tokens = tokensOf(body);
  const as = tokens.find(({ word }) => word === "as");
  const end = (as?.start ?? 0) + 2;
  const query = body.slice(end);
  return `${body.slice(0, end)} (${unqualified(query, tokensOf(query), hidden)}\n)`;
}

/** Takes away `main.` before what is hidden: only a bare name can mean a common table expression. Places in the text stay what they are. */
function unqualified(sql: string, tokens: readonly Token[], hidden: ReadonlySet<string>): string {
  let text = sql;
  for (const [at, { word, start }] of tokens.entries()) {
    const dot = tokens[at + 1];
    const name = tokens[at + 2];
    if (nameOf(word) !== "main" || dot?.text !== "." || !hidden.has(nameOf(name?.word ?? ""))) continue;
    text = `${text.slice(0, start)}${" ".repeat(word.length)}${text.slice(start + word.length, dot.start)} ${text.slice(dot.start + 1)}`;
  }
  return text;
}

/** Among the caller's own expressions where none of them could be taken for a table, and around the statement otherwise. */
function withBefore({ sql, tokens }: Piece, before: string, own: boolean): string {
  const [first, second] = explained(tokens);
  const start = first?.start ?? 0;
  const head = sql.slice(0, start);
  if (first?.word !== "with") return `${head}with ${before} ${sql.slice(start)}`;
  if (own) return `${head}with ${before} select * from (${sql.slice(start)}\n)`;
  const from = second?.word === "recursive" ? second : first;
  return `${head}with ${before}, ${sql.slice(from.start + from.text.length)}`;
}

/** Virtual tables that name a restricted one: they read it while they run, where nobody is asked. */
function contentOf(secrets: ReadonlyMap<string, string>, names: Names): Set<string> {
  const virtual = [...names].filter(([, { kind, sql }]) => kind === "table" && /^create\s+virtual\b/i.test(sql));
  return new Set(
    virtual.filter(([name, { sql }]) => !secrets.has(name) && wordsOf(sql).some((word) => secrets.has(nameOf(word)))).map(([name]) => name),
  );
}

/** The mirror's errors are the engine's, but for where in the caller's text they are. */
function read(session: Mirror["session"], text: string): ReturnType<Mirror["session"]["examine"]> {
  try {
    return session.examine(text);
  } catch (error) {
    throw isRefusal(error) || !(error instanceof Error) ? error : engineError(error.message, code.error, { cause: error });
  }
}

/** Reads the text as the engine will, and refuses it where a restricted table is changed, or reached by anything but its one expression. */
function check(text: string, secrets: ReadonlyMap<string, string>, { session, names }: Mirror): void {
  const [statement, ...others] = read(session, text);
  const mirrors = contentOf(secrets, names());
  const isOpen = (event: Event): boolean => {
    const { action, first, second, within } = event;
    const written = writesOf[action];
    if (written !== undefined) return secrets.has(event[written[1]].toLowerCase());
    if (action !== constants.SQLITE_READ) return false;
    const secret = secrets.get(first.toLowerCase());
    // A table whose expression was merged into the statement is asked for once more, without a column and on nobody's behalf.
    return secret === undefined ? mirrors.has(first.toLowerCase()) : within !== secret && !(second === "" && within === "");
  };
  if (statement !== undefined && others.length === 0 && !statement.events.some(isOpen)) return;
  throw refusal({
    code: "POLICY_DENIED",
    message: "The statement reaches a table that the policy restricts in a way that cannot be restricted",
    hint: "Read the table in a plain SELECT",
  });
}
