import { readReturning } from "./change.ts";
import { readExpression } from "./expressions.ts";
import { mergedResults, readLazily } from "./query.ts";
import { type Cte, type QueryOutput, type Reading, type Result, type Scope, Unresolved } from "./scope.ts";
import { as, isNode, type Json, type Node, names, nodes, opened, text } from "./tree.ts";

/** The queries of a WITH by name, and what reads those that nobody named. */
export interface Ctes {
  readonly ctes: ReadonlyMap<string, Cte>;
  close(): void;
}

/** Each is known to those after it; in WITH RECURSIVE to all of them and to itself. */
export function readCtes(clause: Json | undefined, scope: Scope, reading: Reading): Ctes {
  const ctes = new Map<string, Cte>();
  if (!isNode(clause)) return { ctes, close: () => undefined };
  const inside: Scope = { ...scope, ctes };
  for (const item of nodes(clause.ctes)) {
    const node = as("CommonTableExpr", item);
    if (node === undefined) throw new Unresolved("a part of with");
    const name = text(node.ctename);
    if (clause.recursive === true) ctes.set(name, onDemand(node, inside, reading));
    else {
      // Before it is read the name still means what it meant outside.
      const result = told(
        readCte(node, inside, reading, () => undefined),
        reading,
      );
      ctes.set(name, { result: () => result });
    }
  }
  return { ctes, close: () => ctes.forEach((cte) => void cte.result()) };
}

function onDemand(node: Node, scope: Scope, reading: Reading): Cte {
  let state: Result | "reading" | undefined;
  const cte: Cte = {
    result() {
      if (state === "reading") throw new Unresolved("a query that names itself in this way");
      if (state !== undefined) {
        reading.seen.recursive ||= !finished;
        return state;
      }
      state = "reading";
      state = told(
        readCte(node, scope, reading, (first) => {
          state = first;
        }),
        reading,
      );
      finished = true;
      return state;
    },
  };
  let finished = false;
  return cte;
}

function told(result: Result, reading: Reading): Result {
  for (const { uses } of result.outputs) for (const use of uses) reading.reach(use);
  return result;
}

function readCte(node: Node, scope: Scope, reading: Reading, begun: (first: Result) => void): Result {
  const [kind, query] = opened(node.ctequery) ?? ["unknown", {}];
  const finish = (result: Result): Result => renamed(result, node);
  const result =
    kind !== "SelectStmt"
      ? readReturning(kind, query, scope, reading)
      : isNode(query.larg) && query.withClause === undefined
        ? readRecursively(query, scope, reading, (first) => begun(finish(first)))
        : readLazily(query, scope, reading);
  for (const clause of [node.search_clause, node.cycle_clause]) {
    if (!isNode(clause)) continue;
    readExpression(clause.cycle_mark_value, scope, reading, "other");
    readExpression(clause.cycle_mark_default, scope, reading, "other");
  }
  return finish(result);
}

/** The first side of a union tells what the columns are that the second reads. */
function readRecursively(query: Node, scope: Scope, reading: Reading, begun: (first: Result) => void): Result {
  if (!isNode(query.larg) || !isNode(query.rarg)) throw new Unresolved("a set operation");
  reading.read.add(query);
  const first = readLazily(query.larg, scope, reading);
  begun(first);
  const second = readLazily(query.rarg, scope, reading);
  readExpression(query.limitOffset, scope, reading, "other");
  readExpression(query.limitCount, scope, reading, "other");
  if (query.sortClause !== undefined) throw new Unresolved("a sorted union in with");
  return mergedResults([first, second]);
}

/** Its columns under the names of its list, and those that SEARCH and CYCLE add. */
function renamed({ outputs, ...result }: Result, node: Node): Result {
  const aliases = names(node.aliascolnames);
  const [search, cycle] = [node.search_clause, node.cycle_clause].map((clause) => (isNode(clause) ? clause : {}));
  const more = [search?.search_seq_column, cycle?.cycle_mark_column, cycle?.cycle_path_column]
    .map(text)
    .filter((name) => name !== "")
    .map((name): QueryOutput => ({ name, type: 0, uses: [] }));
  return { ...result, outputs: [...outputs.map((output, at) => ({ ...output, name: aliases[at] ?? output.name })), ...more] };
}
