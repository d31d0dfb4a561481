import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parts } from "./chain.ts";
import type { AuditRecord } from "./record.ts";
import { readRecord } from "./verify.ts";

/** Which records are wanted; all that is given must fit. */
export interface AuditFilter {
  readonly trace?: string;
  readonly principal?: string;
  readonly connection?: string;
  readonly action?: string;
  /** `ok`, a code, or `refused` for every code a policy gives. */
  readonly outcome?: string;
  readonly fingerprint?: string;
  /** Words looked for in the whole record. */
  readonly text?: string;
  readonly since?: Date;
}

const refusals: readonly string[] = ["POLICY_DENIED", "FORBIDDEN", "NOT_FOUND", "RATE_LIMITED"];

/** The records of every file, oldest file first; lines that are no records are passed over, `verify` tells of them. */
export function* readAudit(folder: string, filter: AuditFilter = {}): Generator<AuditRecord> {
  const names = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith(".jsonl"))
        .sort()
    : [];
  for (const name of names) {
    for (const line of readFileSync(join(folder, name), "utf8").split("\n")) {
      const found = parts(line);
      const record = found && readRecord(found.record);
      if (record?.type === "call" && fits(record, found?.record ?? "", filter)) yield record;
    }
  }
}

function fits(record: AuditRecord, written: string, { text, since, outcome, trace, ...exact }: AuditFilter): boolean {
  if (since !== undefined && record.time < since.toISOString()) return false;
  if (outcome !== undefined && !(outcome === "refused" ? refusals.includes(record.outcome) : record.outcome === outcome)) return false;
  if (trace !== undefined && !record.trace.startsWith(trace)) return false;
  if (text !== undefined && !written.toLowerCase().includes(text.toLowerCase())) return false;
  return Object.entries(exact).every(([key, wanted]) => wanted === undefined || record[key as keyof typeof exact] === wanted);
}
