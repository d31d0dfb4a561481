import type { Params } from "../../core/contract/driver.ts";
import { skipBlank } from "./lexer.ts";
import { bindable } from "./parameters.ts";
import { refusal } from "./refusal.ts";
import type { Session } from "./session.ts";

type PlanRow = readonly [id: bigint, parent: bigint, unused: bigint, detail: string];

/** The plan as a tree, one step per line, two blanks per level. */
export function explainPlan(session: Session, sql: string, params: Params): string {
  const { statement } = session.prepare(sql);
  const position = skipBlank(sql);
  if (/^explain\b/i.test(sql.slice(position, position + 8)))
    throw refusal({ code: "SQL_INVALID", message: "The statement is an EXPLAIN already", hint: "Leave the word out", position });
  // A plan needs no values; given ones are held to the statement all the same.
  const bound = Object.keys(params).length === 0 ? [] : bindable(statement, sql, params);
  const plan = session.prepare(`explain query plan ${statement.sourceSQL}`).statement;
  const depths = new Map<bigint, number>([[0n, -1]]);
  const lines: string[] = [];
  for (const [id, parent, , detail] of plan.all(...(bound as readonly never[])) as unknown as PlanRow[]) {
    const depth = (depths.get(parent) ?? -1) + 1;
    depths.set(id, depth);
    lines.push("  ".repeat(depth) + detail);
  }
  return lines.join("\n");
}
