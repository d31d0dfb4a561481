import type { DuckDBConnection } from "@duckdb/node-api";
import type { Analysis, RelationRestriction } from "../../../core/contract/analysis.ts";
import type { Statement } from "../../../core/contract/driver.ts";
import { refusal } from "../errors/refusal.ts";
import type { Session } from "../session.ts";
import { only } from "../sql/gate.ts";
import { type Classified, classify } from "../sql/statement.ts";
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

export function createGuard(): Guard {
  let names: (Names & { readonly changes: number }) | undefined;
  const known = new Map<string, readonly Statement[]>();

  const currentNames = async ({ native, engine }: Session): Promise<Names> => {
    if (names?.changes === engine.changes) return names;
    const { changes } = engine;
    known.clear();
    names = { ...(await readNames(native, engine)), changes };
    return names;
  };

  return {
    async analyze(session, sql) {
      const current = await currentNames(session);
      const found = known.get(sql) ?? (await analyzeAll(session, sql, current));
      if (known.size >= mostRemembered) known.clear();
      known.set(sql, found);
      return found;
    },
    async render(session, sql, restrictions) {
      const current = await currentNames(session);
      const inner = explained(sql);
      const query = inner?.inner ?? sql;
      const tree = await treeOf(session, query, current);
      const root = tree && queryOf(tree);
      if (tree === undefined || root === undefined) throw refusal(notUnderstood("this kind of statement"));
      const read = readStatement(root, current);
      if (read.analysis.unresolved !== undefined) throw refusal(read.analysis.unresolved);
      const rendered = await renderRestricted(read, tree, current, restrictions, {
        parse: (text) => serialized(session.native, text),
        deparse: async (json) =>
          String((await session.native.runAndReadAll("SELECT json_deserialize_sql($1::JSON)", [json])).getRows()[0]?.[0]),
      });
      return inner === undefined ? rendered : `EXPLAIN ${inner.options.length === 0 ? "" : `(${inner.options.join(", ")})`}\n${rendered}`;
    },
  };
}

async function analyzeAll(session: Session, sql: string, names: Names): Promise<readonly Statement[]> {
  const long = unreadable(sql);
  if (long !== undefined) return [{ kind: "unknown", analysis: { ...nothing, unresolved: long } }];
  const classified = await classify(session.native, sql);
  if (classified.length !== 1) return classified.map(({ kind }) => ({ kind }));
  const { kind } = only(classified);
  const analysis = await analyzeOne(session, sql, only(classified), names);
  return [{ kind, ...(analysis && { analysis }) }];
}

async function analyzeOne(session: Session, sql: string, statement: Classified, names: Names): Promise<Analysis | undefined> {
  const inner = explained(sql)?.inner ?? sql;
  const tree = await treeOf(session, inner, names);
  const query = tree && queryOf(tree);
  if (query === undefined) return analyzeChange(inner, statement, names.snapshot);
  const { analysis } = readStatement(query, names);
  // Of a name that is not there the engine knows better what to say.
  if (analysis.unresolved !== undefined) await prepared(session, inner);
  return analysis;
}

async function treeOf({ native }: Session, sql: string, names: Names) {
  const json = await serialized(native, sql);
  if (json === undefined) return undefined;
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
