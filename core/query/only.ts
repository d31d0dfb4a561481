import type { Statement } from "../contract/driver.ts";
import { problem } from "../problem.ts";

/** The one statement of a text. @throws SQL_INVALID when there is none, or another */
export function onlyStatement([statement, ...others]: readonly Statement[], example: string): Statement {
  if (statement === undefined) throw problem("SQL_INVALID", "The text holds no statement", example);
  if (others.length === 0) return statement;
  throw problem(
    "SQL_INVALID",
    `The text holds ${others.length + 1} statements: one is allowed per call`,
    "Send each statement in a call of its own",
  );
}
