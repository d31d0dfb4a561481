import { readAudit } from "../core/audit/read.ts";
import type { AuditRecord } from "../core/audit/record.ts";
import { problem } from "../core/problem.ts";
import type { CommandContext } from "./commands.ts";
import { configOf } from "./open.ts";
import type { PolicyOptions } from "./policy-open.ts";

/** Prints what the audit knows of a call that was refused. @throws NOT_FOUND */
export async function explainDenial([trace = ""]: readonly string[], options: PolicyOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const config = await configOf(options, context);
  if (!/^[0-9a-f]{4,32}$/.test(trace))
    throw problem("INPUT_INVALID", `"${trace}" is no trace`, "Give the trace an answer ends with, or the first digits of it");
  const found = [...readAudit(config.audit.folder, { trace })];
  if (found.length === 0)
    throw problem(
      "NOT_FOUND",
      `The audit has no call with the trace "${trace}"`,
      "List the refused ones with: tidegate audit search --outcome refused",
    );
  if (options.format === "json") return io.out(`${JSON.stringify(found, null, 2)}\n`);
  await io.out(found.map(told).join("\n"));
}

function told(record: AuditRecord): string {
  const { time, principal, roles = [], action, connection, access, outcome, reason, rules = [], objects = [], fingerprint, sql } = record;
  const lines: (readonly [string, string | undefined])[] = [
    ["time", time],
    ["who", roles.length === 0 ? principal : `${principal} as ${roles.join(", ")}`],
    ["call", `${action}${connection === undefined ? "" : ` on ${connection}`}${access === "write" ? ", with the gate open" : ""}`],
    ["outcome", outcome === "ok" ? "it was not refused" : outcome],
    ["reason", reason],
    ...rules.map((rule) => ["rule", rule] as const),
    ["touched", objects.length === 0 ? undefined : objects.join(", ")],
    ["fingerprint", fingerprint],
    ["sql", sql],
  ];
  return lines
    .filter(([, text]) => text !== undefined)
    .map(([name, text]) => `${name.padEnd(12)} ${text}\n`)
    .join("");
}
