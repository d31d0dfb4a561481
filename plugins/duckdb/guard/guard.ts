import type { DuckDBConnection } from "@duckdb/node-api";
import type { Analysis, RelationRestriction } from "../../../core/contract/analysis.ts";
import type { Statement } from "../../../core/contract/driver.ts";
import { refusal } from "../errors/refusal.ts";
import type { Session } from "../session.ts";
import { only } from "../sql/gate.ts";
import type { Classified } from "../sql/statement.ts";
import { explained } from "../sql/text.ts";
import { loadBodies, type Names, notUnderstood, queryOf, readNames, readStatement, unreadable } from "./analyze.ts";
import { analyzeChange } from "./change.ts";
import { readTree } from "./json.ts";
import { renderRestricted } from "./render.ts";

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
      const tree = await treeOf(session, query, current);
      const root = tree && queryOf(tree);
      if (tree === undefined || root === undefined) throw refusal(notUnderstood("this kind of statement"));
      const read = readStatement(root, current);
      if (read.analysis.unresolved !== undefined) throw refusal(read.analysis.unresolved);
      const text = await renderRestricted(read, tree, current, restrictions, {
        parse: (text) => serialized(session.native, text),
        deparse: async (json) =>
          String((await session.native.runAndReadAll("SELECT json_deserialize_sql($1::JSON)", [json])).getRows()[0]?.[0]),
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
  if (query === undefined) return analyzeChange(inner, statement, names.snapshot);
  const { analysis } = readStatement(query, names);
  // Of a name that is not there the engine knows better what to say.
  if (analysis.unresolved !== undefined) await prepared(session, inner);
  return analysis;
}

async function treeOf({ native }: Session, sql: string, names: Names) {
  const json = await serialized(native, sql);
  return json === undefined ? undefined : withBodies({ native }, json, names);
}

async function withBodies({ native }: Pick<Session, "native">, json: string, names: Names) {
  const tree = readTree(json);
  await loadBodies(tree, names, (body) => serialized(native, body));
  return tree;
}

/** The tree of a text that holds only SELECTs, whole, so that it can be given back. */
async function serialized(native: DuckDBConnection, sql: string): Promise<string | undefined> {
  const json = String((await native.runAndReadAll("SELECT json_serialize_sql($1::VARCHAR)", [sql])).getRows()[0]?.[0]);
  return json.startsWith('{"error":true') ? undefined : json;
}

/** @throws the engine's own error when the statement could not run anyway */
async function prepared({ native }: Session, sql: string): Promise<void> {
  (await native.prepare(sql)).destroySync();
}

const nothing: Omit<Analysis, "unresolved"> = {
  verb: "",
  relations: [],
  columns: [],
  functions: [],
  complexity: { relations: 0, joins: 0, depth: 0, recursive: false },
  fingerprint: "0".repeat(16),
};
