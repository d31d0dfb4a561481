import type { Analysis, RelationRestriction } from "../../../core/contract/analysis.ts";
import type { Statement } from "../../../core/contract/driver.ts";
import type { Diagnosis } from "../../../core/contract/problem.ts";
import { refusal } from "../errors/refusal.ts";
import type { Session } from "../session.ts";
import { only } from "../sql/gate.ts";
import type { Classified } from "../sql/statement.ts";
import { explained, firstWords } from "../sql/text.ts";
import { loadBodies, type Names, notUnderstood, queryOf, readNames, readStatement, unreadable } from "./analyze.ts";
import { analyzeChange } from "./change.ts";
import { readTree } from "./json.ts";
import { readPivot } from "./pivot.ts";
import { renderRestricted } from "./render.ts";
import { Unresolved } from "./scope.ts";

/** What a connection remembers of the texts it has seen. */
export interface Guard {
  /** Says of each statement what it is and what it reaches. Runs none of them. */
  analyze(session: Session, sql: string): Promise<readonly Statement[]>;
  /** The text of the only statement under restrictions, ready to run. */
  render(session: Session, sql: string, restrictions: readonly RelationRestriction[]): Promise<string>;
}

const mostRemembered = 200;

/** `classify` says what each statement of a text is; it remembers the last text. */
export function createGuard(classify: (session: Session, sql: string) => Promise<readonly Classified[]>): Guard {
  let names: (Names & { readonly changes: number }) | undefined;
  const known = new Map<string, readonly Statement[]>();
  const rendered = new Map<string, string>();

  const currentNames = async ({ native, engine }: Session): Promise<Names> => {
    if (names?.changes === engine.changes) return names;
    const { changes } = engine;
    known.clear();
    rendered.clear();
    names = { ...(await readNames(native, engine)), changes };
    return names;
  };

  return {
    async analyze(session, sql) {
      const current = await currentNames(session);
      const found = known.get(sql) ?? (await analyzeAll(session, sql, current, classify));
      if (known.size >= mostRemembered) known.clear();
      known.set(sql, found);
      return found;
    },
    async render(session, sql, restrictions) {
      const current = await currentNames(session);
      const key = JSON.stringify([sql, restrictions], (_, value) => (typeof value === "bigint" ? `${value}n` : value));
      const again = rendered.get(key);
      if (again !== undefined) return again;
      const inner = explained(sql);
      const query = inner?.inner ?? sql;
      const [classified] = inner === undefined ? await classify(session, sql) : [];
      const tree =
        classified?.tree === undefined ? await treeOf(session, query, current) : await withBodies(session, classified.tree, current);
      const root = tree && queryOf(tree);
      if (tree === undefined || root === undefined) throw refusal(unseen(query));
      const read = readStatement(root, current);
      if (read.analysis.unresolved !== undefined) throw refusal(read.analysis.unresolved);
      const text = await renderRestricted(read, tree, current, restrictions, {
        parse: (text) => serialized(session, text),
        deparse: (json) => session.engine.grammarOf(session.native).deserialize(json),
      });
      const whole = inner === undefined ? text : `EXPLAIN ${inner.options.length === 0 ? "" : `(${inner.options.join(", ")})`}\n${text}`;
      if (rendered.size >= mostRemembered) rendered.clear();
      rendered.set(key, whole);
      return whole;
    },
  };
}

async function analyzeAll(
  session: Session,
  sql: string,
  names: Names,
  classify: (session: Session, sql: string) => Promise<readonly Classified[]>,
): Promise<readonly Statement[]> {
  const long = unreadable(sql);
  if (long !== undefined) return [{ kind: "unknown", analysis: { ...nothing, unresolved: long } }];
  const classified = await classify(session, sql);
  if (classified.length !== 1) return classified.map(({ kind }) => ({ kind }));
  const { kind } = only(classified);
  const analysis = await analyzeOne(session, sql, only(classified), names);
  return [{ kind, ...(analysis && { analysis }) }];
}

async function analyzeOne(session: Session, sql: string, statement: Classified, names: Names): Promise<Analysis | undefined> {
  const inner = explained(sql)?.inner ?? sql;
  const tree = statement.tree === undefined ? undefined : await withBodies(session, statement.tree, names);
  const query = tree && queryOf(tree);
  const [word] = firstWords(inner);
  if (query === undefined && statement.kind === "read" && word !== "pragma") return analyzePivot(session, inner, names);
  if (query === undefined) return analyzeChange(inner, statement, names.snapshot);
  const { analysis } = readStatement(query, names);
  // Of a name that is not there the engine knows better what to say.
  if (analysis.unresolved !== undefined) await prepared(session, inner);
  return analysis;
}

async function analyzePivot(session: Session, sql: string, names: Names): Promise<Analysis> {
  try {
    const { source, told } = readPivot(sql, names.snapshot);
    const tree = await treeOf(session, source, names);
    const query = tree && queryOf(tree);
    if (query === undefined) throw new Unresolved("this pivot");
    return told(readStatement(query, names).analysis);
  } catch (error) {
    if (error instanceof Unresolved) return { ...nothing, unresolved: notUnderstood(`"${error.message}"`) };
    throw error;
  }
}

async function treeOf(session: Session, sql: string, names: Names) {
  const json = await serialized(session, sql);
  return json === undefined ? undefined : withBodies(session, json, names);
}

async function withBodies(session: Session, json: string, names: Names) {
  const tree = readTree(json);
  await loadBodies(tree, names, (body) => serialized(session, body));
  return tree;
}

/** The tree of a text that holds only SELECTs, whole, so that it can be given back. */
async function serialized({ native, engine }: Session, sql: string): Promise<string | undefined> {
  const json = await engine.grammarOf(native).serialize(sql);
  return json.startsWith('{"error":true') ? undefined : json;
}

/** @throws the engine's own error when the statement could not run anyway */
async function prepared({ native }: Session, sql: string): Promise<void> {
  (await native.prepare(sql)).destroySync();
}

const unseen = (sql: string): Diagnosis => ({
  ...notUnderstood("this kind of statement"),
  ...(/\bpivot/i.test(sql) && { hint: "Name the values: PIVOT … ON column IN ('a', 'b')" }),
});

const nothing: Omit<Analysis, "unresolved"> = {
  verb: "",
  relations: [],
  columns: [],
  functions: [],
  complexity: { relations: 0, joins: 0, depth: 0, recursive: false },
  fingerprint: "0".repeat(16),
};
