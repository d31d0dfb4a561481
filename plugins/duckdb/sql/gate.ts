import type { Diagnosis } from "../../../core/contract/problem.ts";
import { readOnlyDiagnosis } from "../errors/diagnose.ts";
import { refusal } from "../errors/refusal.ts";
import type { Classified } from "./statement.ts";
import { firstWords } from "./text.ts";
import { forbiddenFunctions } from "./tree.ts";

/** The only statement of a text. @throws a refusal when there is none, or more than one. */
export function only(statements: readonly Classified[]): Classified {
  const [statement, ...others] = statements;
  if (statement === undefined)
    throw refusal({ code: "SQL_INVALID", message: "The text holds no statement", hint: "Write one SQL statement" });
  if (others.length === 0) return statement;
  throw refusal({
    code: "SQL_INVALID",
    message: `The text holds ${statements.length} statements: one is allowed`,
    hint: "Send each statement by itself",
  });
}

/** Lets through what the connection is for. @throws a refusal for everything else. */
export function passGate(statement: Classified, readOnly: boolean): void {
  const denied = readOnly ? deniedToRead(statement) : deniedToWrite(statement);
  if (denied !== undefined) throw refusal(denied);
}

/** Lets through what has a plan. Measuring runs the statement, so it must be a read, whatever the connection is for. */
export function mayExplain(statement: Classified, analyze: boolean): void {
  if (analyze) passGate(statement, true);
  else if (!["read", "write", "schema"].includes(statement.kind)) {
    throw refusal({ code: "SQL_INVALID", message: `${statement.label} has no plan`, hint: "Explain a query" });
  }
}

function deniedToRead({ kind, label }: Classified): Diagnosis | undefined {
  if (kind === "read") return undefined;
  if (forbiddenFunctions.has(label.replace("()", ""))) return forbidden(label);
  if (label === "PIVOT") return { ...readOnlyDiagnosis(label), hint: "Name the values: PIVOT … ON column IN ('a', 'b')" };
  return readOnlyDiagnosis(label);
}

/** Sessions and the engine are shared between calls, so no call may leave either of them changed. */
function deniedToWrite({ kind, label, sql }: Classified): Diagnosis | undefined {
  if (forbiddenFunctions.has(label.replace("()", ""))) return forbidden(label);
  if (kind === "session" || (kind === "admin" && !isMaintenance(label, sql))) {
    return {
      code: "POLICY_DENIED",
      message: `Cannot run ${label}: it would change the engine for later calls`,
      hint: "Send statements that stand by themselves",
    };
  }
  const called = kind === "read" ? undefined : [...forbiddenFunctions].find((name) => new RegExp(`\\b${name}"?\\s*\\(`, "i").test(sql));
  return called === undefined ? undefined : forbidden(`${called}()`);
}

function isMaintenance(label: string, sql: string): boolean {
  return ["VACUUM", "ANALYZE"].includes(label) || ["checkpoint", "force"].includes(firstWords(sql)[0]);
}

function forbidden(label: string): Diagnosis {
  return {
    code: "POLICY_DENIED",
    message: `Cannot call ${label}: it would change the engine, or what it does cannot be seen`,
    hint: "Write the query without it",
  };
}
