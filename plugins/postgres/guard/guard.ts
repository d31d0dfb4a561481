import type { Analysis, RelationRestriction } from "../../../core/contract/analysis.ts";
import type { Statement } from "../../../core/contract/driver.ts";
import type { Diagnosis } from "../../../core/contract/problem.ts";
import { diagnose } from "../diagnose.ts";
import { refusal } from "../refusal.ts";
import type { Session } from "../session.ts";
import { type Kind, kindOf, lower } from "../sql/kind.ts";
import { statementsOf } from "../sql/lexer.ts";
import { isServerError, type LocatedError } from "../statement/describe.ts";
import type { Work } from "../work.ts";
import { notUnderstood, readStatement, statementsIn, statementsOfRoot, unreadViews } from "./analyze.ts";
import { kindOfTree } from "./kind.ts";
import { type Current, createKnownNames } from "./known-names.ts";
import { type Parser, ParserFailure, type Reading } from "./parser/parser.ts";
import { restrict } from "./render.ts";
import { bodySql } from "./snapshot-sql.ts";
import { lexesAlike, unreadable } from "./text.ts";
import { as, type Node, opened } from "./tree.ts";

/** A text as it may be sent to the server. */
export interface Sendable {
  readonly sql: string;
  /** Absent where its words tell. */
  readonly kind?: Kind;
  /** True when it is another statement than the caller's: under restrictions. */
  readonly isNarrower: boolean;
  /** Why it must not run, though the server may take it. */
  readonly refused?: Diagnosis;
}

/** Knows what a statement reaches, and how it is written so that the server reads it as it was read here. */
export interface Guard {
  /** Says of the statements of a text what they are and what they reach; `kinds` asks the server the same, and lets its errors through. */
  analyze(work: Work, sql: string, kinds: () => Promise<readonly Kind[]>): Promise<readonly Statement[]>;
  /** The text that is sent for one with numbered parameters. */
  sendable(work: Work, sql: string, restrictions: readonly RelationRestriction[] | undefined): Promise<Sendable>;
  /** Something was changed over this connection. */
  changed(): void;
}

export function createGuard(session: Session, parser: Parser): Guard {
  const names = createKnownNames(session);
  const { version } = session.opened.facts;
  const texts = new Map<string, Reading>();

  const read = async (sql: string): Promise<Reading> => {
    const known = texts.get(sql);
    if (known !== undefined) return known;
    const found = await parser.read(sql);
    if (texts.size >= mostTexts) texts.clear();
    texts.set(sql, found);
    return found;
  };
  const queryOf = async (sql: string): Promise<Node | undefined> => {
    const found = await read(sql);
    const [statement, ...others] = "tree" in found ? statementsIn(found.tree) : [];
    return others.length === 0 ? as("SelectStmt", statement) : undefined;
  };
  /** Reads the views that a statement reaches, and those that these reach. */
  const readViews = async (work: Work, statement: Node, current: Current): Promise<void> => {
    for (const trees: Node[] = [statement]; trees.length > 0; ) {
      for (const view of unreadViews(trees.pop() ?? {}, current)) {
        const [[, body] = []] = await work.rows(bodySql, [String(view.oid)]);
        const query = body ? await queryOf(body) : undefined;
        if (query === undefined) continue;
        current.bodies.set(view, query);
        trees.push(query);
      }
    }
  };

  const analyzeOne = async (
    work: Work,
    sql: string,
    statement: Node,
    fingerprint: string,
    current: Current,
  ): Promise<Analysis | undefined> => {
    await readViews(work, statement, current);
    return readStatement(statement, lower(statementsOf(sql)[0]?.[0]), fingerprint, current)?.analysis;
  };

  const analyzeText = async (work: Work, sql: string, told: readonly Kind[] | LocatedError): Promise<readonly Statement[]> => {
    const parsed = await read(sql);
    if (told instanceof Error) return await analyzeRefused(work, parsed, sql, told);
    const [kind = "unknown", ...others] = told;
    if ("error" in parsed) return [{ kind, analysis: { ...nothing, unresolved: notUnderstood("this text") } }];
    const statements = statementsIn(parsed.tree);
    const [statement] = statements;
    if (statement === undefined || statements.length > 1 || others.length > 0)
      return (told.length > 1 ? told : statements.map(() => "unknown" as const)).map((each) => ({ kind: each }));
    let analysis = await analyzeOne(work, sql, statement, parsed.fingerprint, await names.current(work));
    // The name may be a new one.
    if (analysis?.unresolved !== undefined)
      analysis = await analyzeOne(work, sql, statement, parsed.fingerprint, await names.current(work, true));
    return [{ kind: kindOfTree(statement) ?? kind, ...(analysis && { analysis }) }];
  };

  /**
   * What the server finds wrong may follow from what the caller cannot know, such as how many columns a star stands for. A query all names
   * of which are known is judged first, and the server's error comes when it is run as it may be.
   */
  const analyzeRefused = async (work: Work, parsed: Reading, sql: string, error: LocatedError): Promise<readonly Statement[]> => {
    const [statement, ...others] = "tree" in parsed ? statementsIn(parsed.tree) : [];
    const kind = statement && kindOfTree(statement);
    if (!("tree" in parsed) || statement === undefined || others.length > 0 || kind === undefined || !lexesAlike(sql, version)) throw error;
    // In a transaction nothing more is answered after an error.
    const looked = names.current(work).then((current) => analyzeOne(work, sql, statement, parsed.fingerprint, current));
    const analysis = await looked.catch(() => undefined);
    if (analysis === undefined || analysis.unresolved !== undefined) throw withMissing(error, analysis?.unresolved);
    return [{ kind, analysis }];
  };

  const render = async (work: Work, sql: string, restrictions: readonly RelationRestriction[]): Promise<string> => {
    const parsed = await read(sql);
    const root = "tree" in parsed ? (JSON.parse(parsed.tree) as Node) : {};
    const [statement, ...others] = "tree" in parsed ? statementsOfRoot(root) : [];
    if (statement === undefined || others.length > 0) throw refusal(notUnderstood("this text"));
    const current = await names.current(work);
    const explained = as("ExplainStmt", statement)?.query;
    await readViews(work, statement, current);
    const condition = async (text: string): Promise<Node | undefined> => {
      const query = await queryOf(text);
      if (query !== undefined) await readViews(work, query, current);
      return query;
    };
    await restrict((explained as Node | undefined) ?? statement, current, restrictions, condition);
    const written = await parser.write(JSON.stringify(root));
    if (written === undefined) throw refusal(notUnderstood("this statement under restrictions"));
    return written;
  };

  const asItIs = async (sql: string): Promise<Sendable> => {
    const parsed = await read(sql);
    const tokens = statementsOf(sql)[0] ?? [];
    const isNarrower = false;
    if ("error" in parsed) return { sql, isNarrower, ...(kindOf(tokens) === "read" && { refused: notUnderstood("this text") }) };
    const [statement = {}] = statementsIn(parsed.tree);
    const kind = kindOfTree(statement);
    const known = kind === undefined ? {} : { kind };
    if (!rewritten.has(opened(statement)?.[0] ?? "")) return { sql, isNarrower, ...known };
    const text = await parsed.text;
    if (text !== undefined) return { sql: text, isNarrower, ...known };
    return { sql, isNarrower, ...known, ...(!lexesAlike(sql, version) && { refused: notUnderstood("this text") }) };
  };

  return {
    analyze: (work, sql, kinds) =>
      failing(
        async () => {
          const long = unreadable(sql);
          if (long !== undefined) return [{ kind: "unknown", analysis: { ...nothing, unresolved: long } }];
          const current = await names.current(work);
          return await current.remembered("analysis", sql, async () => {
            // The server works on it while the parser does.
            const parsing = read(sql).catch(() => undefined);
            const found = await kinds().catch((error: unknown) => {
              if (isServerError(error) && ofText.test(error.code)) return error;
              throw error;
            });
            await parsing;
            return "length" in found && found.length === 0 ? [] : await analyzeText(work, sql, found);
          });
        },
        (unresolved) => [{ kind: "unknown", analysis: { ...nothing, unresolved } }],
      ),
    sendable: (work, sql, restrictions = []) =>
      failing(
        async () => {
          const long = unreadable(sql);
          if (long !== undefined) throw refusal(long);
          if (restrictions.length === 0) return await asItIs(sql);
          const current = await names.current(work);
          const key = `${sql}\0${JSON.stringify(restrictions, (_, value) => (typeof value === "bigint" ? `${value}n` : value))}`;
          return { sql: await current.remembered("render", key, () => render(work, sql, restrictions)), isNarrower: true };
        },
        (diagnosis) => {
          throw refusal(diagnosis);
        },
      ),
    changed: names.changed,
  };
}

/** Errors that a statement's own text makes, as the server reads it. */
const ofText = /^(?:42|22|3F|0A)/;

/** Where the server speaks of a type, a function or a list of columns, a name that is not there is told all the same. */
function withMissing(error: LocatedError, unresolved: Diagnosis | undefined): Error {
  const told = diagnose(error);
  const { missing, missingKind } = unresolved ?? {};
  return told === undefined || told.missing !== undefined || missing === undefined
    ? error
    : refusal({ ...told, missing, ...(missingKind && { missingKind }) });
}

const mostTexts = 300;

/** Statements that are sent in our own words. */
const rewritten: ReadonlySet<string> = new Set(["SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "ExplainStmt"]);

async function failing<Result>(work: () => Promise<Result>, failed: (diagnosis: Diagnosis) => Result): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ParserFailure)) throw error;
    return failed({ code: "LIMIT_EXCEEDED", message: error.message, hint: "Write the statement in a simpler way" });
  }
}

const nothing: Omit<Analysis, "unresolved"> = {
  ...{ verb: "", relations: [], columns: [], functions: [], fingerprint: "0".repeat(16) },
  complexity: { relations: 0, joins: 0, depth: 0, recursive: false },
};
