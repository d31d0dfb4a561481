import type { Analysis, RelationRestriction } from "../../../core/contract/analysis.ts";
import type { Statement } from "../../../core/contract/driver.ts";
import type { Diagnosis } from "../../../core/contract/problem.ts";
import { diagnose } from "../diagnose.ts";
import { refusal } from "../refusal.ts";
import { failed } from "../run.ts";
import type { Session } from "../session.ts";
import { onlyPiece, type Piece, pieces, withPlaceholders } from "../sql/statements.ts";
import { isServerError } from "../wire/protocol.ts";
import { attempt, readMentions, readStatement, unreadable } from "./analyze.ts";
import { aloneOnly, refusedFunctions } from "./functions.ts";
import { type Lexed, lex } from "./lexer.ts";
import { type Names, wantedBy } from "./names.ts";
import { type Parsed, parseStatement } from "./parse-statement.ts";
import { policyTables } from "./policy-expression.ts";
import { renderRestricted, verifyRendered } from "./render.ts";
import { mentions } from "./scan.ts";
import { absent, notUnderstood } from "./unresolved.ts";

/** What a connection knows of the statements it is given. */
export interface Guard {
  /** Says of each statement what it is and what it reaches. Runs none of them. */
  analyze(sql: string, signal: AbortSignal): Promise<readonly Statement[]>;
  /** The only statement of a text as the server gets it. */
  piece(sql: string, restrictions: readonly RelationRestriction[], signal: AbortSignal): Promise<Piece>;
  /** Says that the session is again what it was when it was opened. */
  reset(): void;
}

const mostRemembered = 500;
const longestRemembered = 8192;

export function createGuard(session: Session, names: Names): Guard {
  const analysed = new Map<string, { readonly version: number; readonly statements: readonly Statement[] }>();
  const canonical = new Map<string, Piece>();
  const narrowed = new Map<string, { readonly version: number; readonly piece: Piece }>();

  let isMoved = false;

  const restricted = async (sql: string, restrictions: readonly RelationRestriction[], signal: AbortSignal): Promise<Piece> => {
    const key = JSON.stringify([sql, restrictions], (_, value) => (typeof value === "bigint" ? `${value}n` : value));
    const known = narrowed.get(key);
    if (known !== undefined) {
      await names.load(session, [], signal);
      if (known.version === names.version) return known.piece;
    }
    const piece = await rendered(session, names, sql, restrictions, signal);
    remember(narrowed, key, { version: names.version, piece });
    return piece;
  };

  return {
    reset() {
      isMoved = false;
    },
    async analyze(sql, signal) {
      if (isMoved) return pieces(sql).map(({ kind }) => ({ kind, analysis: { ...nothing, unresolved: moved } }));
      const known = analysed.get(sql);
      if (known !== undefined) {
        await names.load(session, [], signal);
        if (known.version === names.version) return known.statements;
      }
      const statements = await analyzeAll(session, names, sql, signal);
      remember(analysed, sql, { version: names.version, statements });
      return statements;
    },
    async piece(sql, restrictions, signal) {
      if (restrictions.length > 0) {
        if (isMoved) throw refusal(moved);
        return restricted(sql, restrictions, signal);
      }
      if (isMoved) return onlyPiece(sql);
      const known = canonical.get(sql);
      if (known !== undefined) return known;
      const given = onlyPiece(sql);
      isMoved ||= isMoving(given);
      const { lexed, parsed, failure } = read(given);
      const piece = { ...given, kind: kindOf(given, parsed) };
      if (piece.kind !== "read" && piece.kind !== "write") return piece;
      if (lexed === undefined) return await unread(session, piece, failure, signal);
      const found = { ...rewritten(given, lexed.text), kind: piece.kind };
      remember(canonical, sql, found);
      return found;
    },
  };
}

const readsOtherwise = /sql_mode|character_set|collation_connection|^(?:names|charset|character)$/i;

/** After these the server reads names and texts in another way than the guard does. */
function isMoving({ kind, tokens }: Piece): boolean {
  const [first] = tokens;
  return kind === "session" && (first?.text === "use" || (first?.text === "set" && tokens.some(({ text }) => readsOtherwise.test(text))));
}

const moved: Diagnosis = {
  code: "UNSUPPORTED",
  message: "Cannot tell what statements mean after USE, or after SET changed how texts are read",
  hint: "Write the name of the database before that of the table, and leave the session's settings as they are",
};

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  if (key.length > longestRemembered) return;
  if (map.size >= mostRemembered) map.clear();
  map.set(key, value);
}

/** The text is read again: it must be what it was before. */
function rewritten(piece: Piece, text: string): Piece {
  const again = onlyPiece(text);
  const offset = piece.offset + again.offset;
  if (again.kind !== piece.kind || lex(again.sql).text !== again.sql) throw refusal(notUnderstood("this way of writing a statement"));
  return { ...again, offset };
}

interface Understood {
  readonly lexed?: Lexed;
  readonly parsed?: Parsed;
  readonly failure?: Diagnosis;
}

/** Reads one statement as far as it is known. */
function read({ sql, kind }: Piece): Understood {
  let lexed: Lexed | undefined;
  let parsed: Parsed | undefined;
  const failure = attempt(() => {
    lexed = lex(sql);
    if (kind === "read" || kind === "write" || kind === "unknown") parsed = parseStatement(lexed);
  });
  return { ...(lexed && { lexed }), ...(parsed && { parsed }), ...(failure && { failure }) };
}

/** A statement that calls a stored function may be read where somebody vouches for it, and never one that locks or waits. */
function kindOf({ kind }: Piece, parsed: Parsed | undefined): Statement["kind"] {
  if (kind !== "unknown" || parsed === undefined || parsed.kind === "change") return kind;
  const changes = parsed.found.calls.some(({ name, parts }) => refusedFunctions.has(name) || (aloneOnly.has(name) && parts.length > 0));
  return changes ? kind : "read";
}

async function analyzeAll(session: Session, names: Names, sql: string, signal: AbortSignal): Promise<readonly Statement[]> {
  const long = unreadable(sql);
  if (long !== undefined) return [{ kind: "unknown", analysis: { ...nothing, unresolved: long } }];
  const found = pieces(sql);
  const [piece] = found;
  if (piece === undefined || found.length > 1) return found.map(({ kind }) => ({ kind }));
  const known = read(piece);
  return [{ kind: kindOf(piece, known.parsed), analysis: await analyzePiece(session, names, piece, known, signal) }];
}

async function analyzePiece(
  session: Session,
  names: Names,
  piece: Piece,
  { lexed, parsed, failure }: Understood,
  signal: AbortSignal,
): Promise<Analysis> {
  if (lexed !== undefined && parsed !== undefined) {
    const snapshot = await names.load(session, wantedBy(parsed.found.tables, session.database), signal);
    const { analysis } = readStatement(parsed, lexed, snapshot);
    const isDoubtful = analysis.unresolved !== undefined || piece.kind === "unknown" || analysis.functions.some(({ trusted }) => !trusted);
    // Of a name that is not there the server knows better what to say. Preparing runs nothing.
    if (isDoubtful) await prepared(session, piece, signal, analysis.unresolved);
    // MySQL does not look into what is defined and never used.
    if (analysis.unresolved?.missing !== undefined) throw refusal(analysis.unresolved);
    return analysis;
  }
  if (piece.kind === "read" || piece.kind === "unknown") await spelled(session, piece, signal);
  const verb = piece.tokens[0]?.text ?? "";
  // Of a query that nobody understood no table is told, so that what is said of it is the same whether they are there or not.
  const isTree = piece.kind === "read" || ["select", "values", "(", "insert", "replace", "update", "delete", "with"].includes(verb);
  if (lexed === undefined || isTree) return { ...nothing, verb, ...(failure && { unresolved: failure }) };
  const mentioned = mentions(lexed.tokens, piece.kind);
  const wanted = mentioned.flatMap(({ schema = session.database, name }) => (schema === undefined ? [] : [{ schema, name }]));
  return readMentions(mentioned, verb, lexed, await names.load(session, wanted, signal));
}

/**
 * @throws the server's own error when the statement could not run anyway. Where a name is missing that is what is said: which of
 * several mistakes a server finds first would tell what there is.
 */
async function prepared(session: Session, piece: Piece, signal: AbortSignal, unresolved?: Diagnosis): Promise<void> {
  const work = await session.look(signal);
  try {
    await session.prepare(work, withPlaceholders(piece));
    await work.end();
  } catch (error) {
    const reported = await failed(error, work, piece);
    const { missing, missingKind = "object" } = unresolved ?? {};
    const isOfStatement = isServerError(reported) && ["SQL_INVALID", "POLICY_DENIED", "NOT_FOUND"].includes(diagnose(reported)?.code ?? "");
    throw missing !== undefined && isOfStatement ? refusal(absent(missingKind, missing)) : reported;
  }
}

/** Says what is wrong with a text that was not read: where it is no SQL. Any other error would tell what there is. */
async function spelled(session: Session, piece: Piece, signal: AbortSignal): Promise<void> {
  await prepared(session, piece, signal).catch((error) => {
    if (!isServerError(error) || error.errno === syntaxError) throw error;
  });
}

const syntaxError = 1064;
/** @throws always */
async function unread(session: Session, piece: Piece, failure: Diagnosis | undefined, signal: AbortSignal): Promise<never> {
  await spelled(session, piece, signal);
  throw refusal(failure ?? notUnderstood("this statement"));
}

/** @throws always: what the server says of the statement, or that it was not understood */
async function explained(session: Session, piece: Piece, failure: Diagnosis | undefined, signal: AbortSignal): Promise<never> {
  await prepared(session, piece, signal, failure);
  throw refusal(failure ?? notUnderstood("this statement"));
}

async function rendered(
  session: Session,
  names: Names,
  sql: string,
  restrictions: readonly RelationRestriction[],
  signal: AbortSignal,
): Promise<Piece> {
  const given = onlyPiece(sql);
  const { lexed, parsed, failure } = read(given);
  const piece = { ...given, kind: kindOf(given, parsed) };
  if (lexed === undefined || parsed === undefined) return await unread(session, piece, failure, signal);
  const restricted = restrictions.flatMap(({ schema, name }) => (schema === undefined ? [] : [{ schema, name }]));
  const policy = policyTables(restrictions);
  const load = async (source: Parsed) =>
    names.load(session, [...wantedBy([...source.found.tables, ...policy], session.database), ...restricted], signal);
  const snapshot = await load(parsed);
  const statement = readStatement(parsed, lexed, snapshot);
  const { unresolved } = statement.analysis;
  if (unresolved !== undefined) return await explained(session, piece, unresolved, signal);
  const result = understood(() => renderRestricted(statement, { lexed, parsed }, snapshot, restrictions));
  if (result.own.length > 0 && isTelling(parsed, session)) throw refusal(tellingPlan);
  const again = understood(() => lex(result.text));
  const parsedAgain = understood(() => parseStatement(again));
  const snapshotAgain = await load(parsedAgain);
  const statementAgain = readStatement(parsedAgain, again, snapshotAgain);
  // What the policy adds may call what only the policy may.
  const narrowed = { ...onlyPiece(result.text), kind: piece.kind };
  // A column that is hidden is missing now, and is said to be.
  if (statementAgain.analysis.unresolved !== undefined)
    return await explained(session, narrowed, statementAgain.analysis.unresolved, signal);
  verifyRendered(statementAgain, result, snapshotAgain, restrictions);
  return narrowed;
}

/** @throws a refusal for what was not understood */
function understood<Result>(work: () => Result): Result {
  let result: Result | undefined;
  const failure = attempt(() => {
    result = work();
  });
  if (failure !== undefined) throw refusal(failure);
  return result as Result;
}

/** Some forms of a plan show values of rows that were read to make it. */
function isTelling({ explained: plan }: Parsed, { isMariaDb }: Session): boolean {
  return plan?.words.some((word) => word === "extended" || word === "format" || (word === "analyze" && !isMariaDb)) === true;
}

const tellingPlan: Diagnosis = {
  code: "POLICY_DENIED",
  message: "This form of a plan may show values that are masked for you",
  hint: "Ask for the plan with a plain explain",
};

const nothing: Omit<Analysis, "unresolved"> = {
  verb: "",
  relations: [],
  columns: [],
  functions: [],
  complexity: { relations: 0, joins: 0, depth: 0, recursive: false },
  fingerprint: "0".repeat(16),
};
