import type { Params } from "../../core/contract/driver.ts";
import { noArgs } from "./engine.ts";
import { movedBy } from "./engine-error.ts";
import { refusal } from "./refusal.ts";
import { allRows } from "./rows.ts";
import { allowed, type Workplace } from "./run.ts";
import { onePiece } from "./sql/statements.ts";
import { inOrder } from "./values/parameters.ts";

/** The plan as a tree, one step per line, two blanks per level. */
export async function explainPlan(place: Workplace, sql: string, params: Params, signal: AbortSignal): Promise<string> {
  const piece = onePiece(sql);
  if (piece.tokens[0]?.word === "explain")
    throw refusal({
      code: "SQL_INVALID",
      message: "The statement is an EXPLAIN already",
      hint: "Leave the word out",
      position: piece.start,
    });
  await allowed(place, piece, signal);
  // A plan needs no values; given ones are held to the statement all the same.
  const args = Object.keys(params).length === 0 ? noArgs : inOrder(piece, params);
  const steps = await place.session
    .read(`explain query plan ${piece.sql}`, args, { signal })
    .then(allRows)
    .catch((error) => {
      throw movedBy(error, piece.start);
    });
  const depths = new Map<unknown, number>([[0n, -1]]);
  const lines: string[] = [];
  for (const [id, parent, , detail] of steps) {
    const depth = (depths.get(parent) ?? -1) + 1;
    depths.set(id, depth);
    lines.push("  ".repeat(depth) + detail);
  }
  return lines.join("\n");
}
