import type { ExplainOptions, Params, QueryOptions } from "../../core/contract/driver.ts";
import type { Value } from "../../core/contract/rows.ts";
import { refusal } from "./refusal.ts";
import { createRowStream } from "./rows.ts";
import { startPiece } from "./run.ts";
import type { Session } from "./session.ts";
import { type Piece, pieces } from "./sql/statements.ts";

/** The rows the server expects to look at: the product of the steps of each select, over all of them. What has no plan costs nothing. */
export async function estimatedCost(session: Session, inner: Piece, params: Params, options: QueryOptions): Promise<number> {
  if (!/^(?:select|with|values|table|\(|insert|replace|update|delete)$/.test(inner.tokens[0]?.text ?? "")) return 0;
  const verb = session.isMariaDb ? "explain " : "explain format=traditional ";
  const [piece = inner] = pieces(verb + inner.sql);
  const rows = createRowStream(
    session,
    await startPiece(session, { ...piece, kind: inner.kind }, params, options.signal),
    options.batchSize,
  );
  const at = (name: string): number => rows.columns.findIndex((column) => column.name === name);
  const bySelect = new Map<Value, number>();
  for await (const { columns, length } of rows)
    for (let row = 0; row < length; row++) {
      const select = columns[at("id")]?.[row] ?? null;
      bySelect.set(select, (bySelect.get(select) ?? 1) * Number(columns[at("rows")]?.[row] ?? 1));
    }
  return [...bySelect.values()].reduce((sum, each) => sum + each, 0);
}

/** MySQL plans as a tree of steps, MariaDB as a table whose rows are the steps. */
export async function explainPlan(session: Session, inner: Piece, params: Params, options: ExplainOptions): Promise<string> {
  if (inner.kind !== "read" && (options.analyze || session.readOnly)) {
    const message = "Cannot plan this statement: it is not certain that it only reads, and planning may run parts of it";
    throw refusal({ code: "POLICY_DENIED", message, hint: "Explain a statement that only reads" });
  }
  const already = /^(?:explain|describe|desc|analyze)$/.test(inner.tokens[0]?.text ?? "");
  const verb = already ? "" : verbFor(session, options);
  const [piece = inner] = pieces(verb + inner.sql);
  const started = await startPiece(session, { ...piece, kind: inner.kind }, withNulls(params, piece.tokens), options.signal);
  const rows = createRowStream(session, started, options.batchSize);
  const lines: string[] = [];
  for await (const { columns, length } of rows) {
    for (let row = 0; row < length; row++) {
      const cells = columns.map((column, index) => [rows.columns[index]?.name ?? "", column[row] ?? null] as const);
      lines.push(cells.length === 1 ? String(cells[0]?.[1]).trimEnd() : step(cells));
    }
  }
  return lines.join("\n");
}

/** A tree shows values of rows that are read while it is made; a table shows none. */
function verbFor({ isMariaDb }: Session, { analyze, restrictions = [] }: ExplainOptions): string {
  if (isMariaDb) return analyze ? "analyze " : "explain ";
  if (restrictions.length === 0) return analyze ? "explain analyze " : "explain format=tree ";
  if (!analyze) return "explain format=traditional ";
  const message = "Cannot measure this statement: the measured plan of MySQL may show values that are masked for you";
  throw refusal({ code: "POLICY_DENIED", message, hint: "Ask for the plan without measuring it" });
}

/** A plan needs no values: where none are given, NULL stands for each. */
function withNulls(params: Params, tokens: readonly { readonly kind: string; readonly text: string }[]): Params {
  if (Object.keys(params).length > 0) return params;
  const names = tokens.filter(({ kind }) => kind === "named").map(({ text }) => text.slice(1));
  if (names.length > 0) return Object.fromEntries(names.map((name) => [name, null]));
  return tokens.filter(({ kind, text }) => kind === "symbol" && text === "?").map(() => null);
}

function step(cells: readonly (readonly [string, Value])[]): string {
  return cells
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => `${name}=${value}`)
    .join("  ");
}
