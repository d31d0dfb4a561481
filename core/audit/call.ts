import type { Principal } from "../contract/policy.ts";
import type { Problem } from "../problem.ts";
import type { Audit } from "./audit.ts";
import type { AuditRecord } from "./record.ts";

/** What becomes known of a call while it runs. */
export type AuditFacts = Partial<Omit<AuditRecord, "type" | "time" | "trace" | "principal" | "via" | "action" | "millis" | "outcome">>;

/** One call on its way into the audit. */
export interface AuditedCall {
  note(facts: AuditFacts): void;
  /** Writes the record; exactly once. @throws LIMIT_EXCEEDED when it cannot be written and calls are to stop then */
  end(failure?: Problem): void;
}

/** Begins the record of a call. */
export type AuditCall = (call: { readonly trace: string; readonly principal: Principal; readonly action: string }) => AuditedCall;

/** Makes the beginning of records. Ending one a second time writes nothing. @throws LIMIT_EXCEEDED while the audit cannot be written and calls are to stop then */
export function auditCalls(audit: Audit, keepsSql: () => boolean): AuditCall {
  return ({ trace, principal, action }) => {
    audit.ready();
    const time = new Date().toISOString();
    const started = performance.now();
    let facts: AuditFacts = {};
    let ended = false;
    return {
      note: (more) => {
        facts = { ...facts, ...more };
      },
      end(failure) {
        if (ended) return;
        ended = true;
        const { sql, ...known } = facts;
        audit.append({
          type: "call",
          time,
          trace,
          principal: principal.id,
          via: principal.via,
          action,
          ...known,
          millis: Math.round((performance.now() - started) * 10) / 10,
          outcome: failure?.code ?? "ok",
          ...(failure !== undefined && reasons.has(failure.code) && { reason: failure.message }),
          ...(failure?.rule !== undefined && { rules: [failure.rule] }),
          ...(sql !== undefined && keepsSql() && { sql }),
        });
      },
    };
  };
}

/** Codes whose words are ours, and name no value of a row. */
const reasons: ReadonlySet<string> = new Set(["POLICY_DENIED", "FORBIDDEN", "NOT_FOUND", "RATE_LIMITED", "LIMIT_EXCEEDED", "UNSUPPORTED"]);
