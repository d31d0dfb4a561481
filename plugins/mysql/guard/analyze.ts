import { createHash } from "node:crypto";
import type { Analysis, RelationAccess, RelationUse } from "../../../core/contract/analysis.ts";
import type { Diagnosis } from "../../../core/contract/problem.ts";
import { resolveChange } from "./change.ts";
import { resolveAll, resolveExpression } from "./expressions.ts";
import { tableOutputs } from "./from.ts";
import type { Lexed, Token } from "./lexer.ts";
import type { Parsed } from "./parse-statement.ts";
import { resolveQuery } from "./query.ts";
import type { Relation, Snapshot } from "./relation.ts";
import type { Mention } from "./scan.ts";
import { type Bare, innerScope, type Qualified, type Reading, type Site, same } from "./scope.ts";
import type { Expression, Found } from "./tree.ts";
import { Missing, notUnderstood, Unresolved } from "./unresolved.ts";
import { createUses, type Uses } from "./uses.ts";

/** Longer texts are not analysed: no person or model writes them, and reading them takes long. */
const mostCharacters = 65_536;

/** A statement that was read: what it reaches, and where its text names tables. */
export interface Read {
  readonly analysis: Analysis;
  readonly sites: readonly Site[];
  readonly qualified: readonly Qualified[];
  readonly bare: readonly Bare[];
}

/** Resolves the names of a statement. The relations it names must be in the snapshot. */
export function readStatement(parsed: Parsed, lexed: Lexed, snapshot: Snapshot): Read {
  const uses = createUses();
  const reading = startReading(uses, snapshot);
  const unresolved = attempt(() => resolve(parsed, reading));
  // What stands behind the place that was not understood is not to be told apart from what is not there.
  if (unresolved !== undefined) reachNamedTables(parsed.found, snapshot, uses);
  const analysis: Analysis = {
    ...analysisOf(uses, parsed.kind === "change" ? parsed.change.verb : parsed.verb, lexed.tokens),
    complexity: { relations: uses.relations.length, joins: uses.joins, depth: reading.seen.deepest, recursive: reading.seen.recursive },
    ...(parsed.kind === "change" && "where" in parsed.change && parsed.change.where.length === 0 && { everyRow: true }),
    ...(unresolved !== undefined && { unresolved }),
  };
  return { analysis, sites: reading.sites, qualified: reading.qualified, bare: reading.bare };
}

const startReading = (uses: Uses, snapshot: Snapshot): Reading => ({
  snapshot,
  database: snapshot.database,
  through: [],
  reach: uses.add,
  relation: uses.relation,
  fn: uses.fn,
  join: uses.join,
  sites: [],
  qualified: [],
  bare: [],
  seen: { depth: 0, deepest: 0, recursive: false, tables: 0 },
});

/** Resolves an expression over one row of a relation, and gives the tables it names without their database. @throws Unresolved */
export function readExpressionOf(expression: Expression, relation: Relation, snapshot: Snapshot): readonly Bare[] {
  const reading = startReading(createUses(), snapshot);
  const scope = innerScope(undefined);
  scope.sources.push({ alias: relation.name, schema: relation.schema, outputs: tableOutputs(relation, reading) });
  resolveExpression(expression, scope, reading, "filter");
  return reading.bare;
}

function reachNamedTables({ tables, ctes }: Found, snapshot: Snapshot, uses: Uses): void {
  for (const { parts } of tables) {
    const [name = "", schema] = parts.map(({ text }) => text).reverse();
    const database = schema ?? snapshot.database;
    if (database === undefined || (schema === undefined && ctes.some((cte) => same(cte, name)))) continue;
    const relation = snapshot.relation(database, name);
    if (relation !== undefined && !uses.relations.some((use) => use.schema === relation.schema && use.name === relation.name))
      uses.relation(relationUse(relation, "read"));
  }
}

const relationUse = ({ schema, name, kind, tells }: Relation, access: RelationAccess): RelationUse => ({
  ...{ schema, name, kind, access },
  ...(tells && { tells }),
});

function resolve(parsed: Parsed, reading: Reading): void {
  if (parsed.kind === "query") resolveQuery(parsed.query, undefined, reading);
  else if (parsed.kind === "change") resolveChange(parsed.change, reading);
  else {
    reading.relation({ schema: "information_schema", name: parsed.name, kind: "catalog", tells: parsed.tells, access: "read" });
    const scope = innerScope(undefined);
    scope.sources.push({ alias: "", outputs: [], open: true });
    resolveAll(parsed.parts, scope, reading, "filter");
  }
}

/** What is known of a statement by the tables it mentions: all of their columns count as used. */
export function readMentions(mentions: readonly Mention[], verb: string, { tokens }: Lexed, snapshot: Snapshot): Analysis {
  const uses = createUses();
  for (const { schema = snapshot.database, name, access } of mentions) {
    const relation = schema === undefined ? undefined : snapshot.relation(schema, name);
    if (relation === undefined) continue;
    uses.relation(relationUse(relation, access));
    if (access === "read") for (const { name: column } of relation.columns) uses.add({ relation, column, place: "other", star: false });
  }
  const relations = uses.relations.length;
  return { ...analysisOf(uses, verb, tokens), complexity: { relations, joins: 0, depth: 1, recursive: false } };
}

const analysisOf = ({ relations, columns, functions }: Uses, verb: string, tokens: readonly Token[]) => ({
  verb,
  relations,
  columns,
  functions,
  fingerprint: fingerprint(tokens),
});

export function attempt(work: () => void): Diagnosis | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof Missing) return { ...notUnderstood(error.message, error.hint), missing: error.named, missingKind: error.kind };
    if (error instanceof Unresolved) return notUnderstood(error.message, error.hint);
    if (error instanceof RangeError) return notUnderstood("a statement nested this deeply");
    throw error;
  }
}

/** Text that is too long to read, or that parsers read in different ways. */
export function unreadable(sql: string): Diagnosis | undefined {
  if (sql.startsWith("\uFEFF"))
    return { code: "SQL_INVALID", message: "The text begins with a byte order mark", hint: "Send the statement as plain Unicode text" };
  if (sql.length <= mostCharacters) return undefined;
  return {
    code: "LIMIT_EXCEEDED",
    message: `The statement has ${sql.length} characters, and ${mostCharacters} is the most that is analysed`,
    hint: "Pass long values as parameters",
  };
}

const literals: ReadonlySet<string> = new Set(["text", "number", "parameter"]);

/** The shape of a statement: its tokens without literals, and names without regard to case. */
function fingerprint(tokens: readonly Token[]): string {
  const shape = tokens.map(({ kind, text }) => (literals.has(kind) ? "?" : kind === "quoted" ? `\`${text}\`` : text)).join(" ");
  return createHash("sha256").update(shape.toLowerCase()).digest("hex").slice(0, 16);
}
