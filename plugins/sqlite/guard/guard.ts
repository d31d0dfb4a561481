import type { RelationRestriction } from "../../../core/contract/analysis.ts";
import type { Statement } from "../../../core/contract/driver.ts";
import { refusal } from "../refusal.ts";
import type { Session } from "../session.ts";
import { analysisOf, nothing, unreadable } from "./analysis.ts";
import { createNames, type Names } from "./names.ts";
import { createShadow } from "./shadow.ts";

/** Analyses statements and holds a session to restrictions. */
export interface Guard {
  analyze(sql: string): readonly Statement[];
  /** From here on the session sees no more than this. Gives the text to run. */
  restrict(restrictions: readonly RelationRestriction[], sql: string): string;
  /** What a statement runs behind: the views that stand before it, and the statement as it is. */
  render(sql: string, restrictions: readonly RelationRestriction[]): string;
}

const mostRemembered = 200;

export function createGuard(session: Session): Guard {
  const names = createNames(session);
  const shadow = createShadow(session, names);
  session.permit(shadow.permits);
  const known = new Map<string, readonly Statement[]>();
  let current: Names | undefined;
  return {
    analyze(sql) {
      const flaw = unreadable(sql);
      if (flaw?.code === "LIMIT_EXCEEDED") return [{ kind: "unknown", analysis: { ...nothing, unresolved: flaw } }];
      shadow.arm([]);
      const now = names();
      if (now !== current) known.clear();
      current = now;
      const found = known.get(sql) ?? statementsOf(sql, now);
      if (known.size >= mostRemembered) known.clear();
      known.set(sql, found);
      return found;
    },
    restrict(restrictions, sql) {
      shadow.arm(restrictions, sql);
      return shadow.redirected(sql);
    },
    render(sql, restrictions) {
      shadow.arm(restrictions, sql);
      return [...shadow.views(), shadow.redirected(sql)].join(";\n");
    },
  };

  function statementsOf(sql: string, now: Names): readonly Statement[] {
    const statements = session.examine(sql);
    const flaw = unreadable(sql);
    if (statements.length > 0 && flaw !== undefined) throw refusal(flaw);
    return statements.map(({ kind, sql: text, events }) => ({ kind, analysis: analysisOf(text, kind, events, now) }));
  }
}
