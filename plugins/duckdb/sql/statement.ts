import { type DuckDBConnection, StatementType } from "@duckdb/node-api";
import type { Statement } from "../../../core/contract/driver.ts";
import { refusal } from "../errors/refusal.ts";
import type { Grammar } from "./grammar.ts";
import { explained, firstWords, isBlank } from "./text.ts";
import { forbiddenFunctions, parse, readingPragmas, type Tree, writingFunctions } from "./tree.ts";

/** A statement and what it does. */
export interface Classified extends Statement {
  /** How a person would call it: `INSERT`. */
  readonly label: string;
  /** The text to run. */
  readonly sql: string;
  /** The parser's tree of a SELECT, also of one that is explained. */
  readonly tree?: string;
}

const kinds: Partial<Record<StatementType, Statement["kind"]>> = {
  [StatementType.SELECT]: "read",
  [StatementType.INSERT]: "write",
  [StatementType.UPDATE]: "write",
  [StatementType.DELETE]: "write",
  [StatementType.MERGE_INTO]: "write",
  [StatementType.COPY]: "write",
  [StatementType.CREATE]: "schema",
  [StatementType.CREATE_FUNC]: "schema",
  [StatementType.ALTER]: "schema",
  [StatementType.DROP]: "schema",
  [StatementType.TRANSACTION]: "session",
  [StatementType.PREPARE]: "session",
  [StatementType.SET]: "session",
  [StatementType.VARIABLE_SET]: "session",
  [StatementType.ANALYZE]: "admin",
  [StatementType.VACUUM]: "admin",
  [StatementType.CALL]: "admin",
  [StatementType.PRAGMA]: "admin",
  [StatementType.EXPORT]: "admin",
  [StatementType.LOAD]: "admin",
  [StatementType.EXTENSION]: "admin",
  [StatementType.UPDATE_EXTENSIONS]: "admin",
  [StatementType.ATTACH]: "admin",
  [StatementType.DETACH]: "admin",
  [StatementType.COPY_DATABASE]: "admin",
};

/** Splits a text and says what each statement does. Runs none of them. */
export async function classify(native: DuckDBConnection, grammar: Grammar, sql: string): Promise<readonly Classified[]> {
  if (isBlank(sql)) return [];
  if (sql.includes("\0"))
    throw refusal({
      code: "SQL_INVALID",
      message: "The text holds the character U+0000",
      hint: "Pass it as a parameter",
      position: sql.indexOf("\0"),
    });
  const explain = explained(sql);
  if (explain !== undefined) return classifyExplain(native, grammar, { sql, ...explain });
  const tree = await parse(grammar, sql);
  if (tree?.count === 1) return [{ ...kindOfTree(tree), sql, tree: tree.json }];
  return classifyOthers(native, sql);
}

/**
 * `EXPLAIN ANALYZE` runs what it explains, so it counts as what is inside. The engine is sent the text put together
 * again from what was read here, so that both mean the same part by "inside".
 */
async function classifyExplain(
  native: DuckDBConnection,
  grammar: Grammar,
  { sql, inner, options }: NonNullable<ReturnType<typeof explained>> & { readonly sql: string },
): Promise<readonly Classified[]> {
  const extracted = await native.extractStatements(sql);
  const count = sql.includes(";") ? extracted.count : 1;
  const found = count === 1 && explained(inner) === undefined ? await classify(native, grammar, inner) : [];
  const kind = found.length === 1 && found[0] !== undefined ? found[0].kind : "unknown";
  const again = `EXPLAIN ${options.length === 0 ? "" : `(${options.join(", ")})`}\n${inner}`;
  const tree = found[0]?.tree;
  return Array.from({ length: count }, () => ({ kind, label: "EXPLAIN", sql: again, ...(tree !== undefined && { tree }) }));
}

/** A SELECT by grammar, which makes it a read unless it calls one of the few functions that change something. */
function kindOfTree({ functions }: Tree): Pick<Classified, "kind" | "label"> {
  const fixed = functions.find((name) => forbiddenFunctions.has(name));
  if (fixed !== undefined) return { kind: "admin", label: `${fixed}()` };
  const writing = functions.find((name) => writingFunctions.has(name));
  return writing === undefined ? { kind: "read", label: "SELECT" } : { kind: "write", label: `${writing}()` };
}

async function classifyOthers(native: DuckDBConnection, sql: string): Promise<readonly Classified[]> {
  const extracted = await native.extractStatements(sql);
  // The engine makes several statements of a PIVOT, the first a type of the values it finds; no other text without a semicolon is more than one.
  if (extracted.count > 1 && !sql.includes(";")) return [{ kind: isBarePivot(sql) ? "read" : "unknown", label: "PIVOT", sql }];
  const found: Classified[] = [];
  for (let index = 0; index < extracted.count; index++) {
    const type = await extracted.prepare(index).then(
      (prepared) => {
        const { statementType } = prepared;
        prepared.destroySync();
        return statementType;
      },
      (error) => {
        // Later statements may need what earlier ones make.
        if (extracted.count === 1) throw error;
        return StatementType.INVALID;
      },
    );
    found.push({
      kind: type === StatementType.SELECT ? kindOfSelect(sql, extracted.count) : (kinds[type] ?? "unknown"),
      label: label(type, sql),
      sql,
    });
  }
  return found;
}

/** A SELECT the parser does not show us: a PRAGMA the engine has rewritten, or one of several statements. */
function kindOfSelect(sql: string, count: number): Statement["kind"] {
  if (mentionsForbidden(sql)) return "unknown";
  const [first, second] = firstWords(sql);
  return count > 1 || (first === "pragma" && readingPragmas.has(second)) ? "read" : "unknown";
}

/** INSERT, CREATE and COPY start with those words; behind WITH there may be an INSERT. */
function isBarePivot(sql: string): boolean {
  return ["pivot", "pivot_wider", "from", "select"].includes(firstWords(sql)[0]) && !mentionsForbidden(sql);
}

/** True when a function that may not be called is named anywhere, be it in a comment. */
export function mentionsForbidden(sql: string): boolean {
  const words = new Set(sql.toLowerCase().match(/\w+/g));
  return [...forbiddenFunctions].some((name) => words.has(name));
}

function label(type: StatementType, sql: string): string {
  if (type === StatementType.TRANSACTION || type === StatementType.SET) return firstWords(sql)[0].toUpperCase();
  return (StatementType[type] ?? "this").replaceAll("_", " ");
}
