import type { EngineFacts } from "../contract/driver.ts";
import type { Principal } from "../contract/policy.ts";
import type { ExecuteInput, ExecuteReport, Person, Question } from "../contract/tool.ts";
import { Problem, problem } from "../problem.ts";
import { questionText, sampleText, type Told, told } from "../results/change-text.ts";
import { attribute } from "../telemetry/attributes.ts";
import { isCountable } from "./bounded.ts";
import { change } from "./change.ts";
import type { Confirm } from "./confirm.ts";
import { type Rehearsal, rehearse } from "./rehearse.ts";
import type { Caller, Prepared, QueryRunner } from "./run.ts";
import { written } from "./written.ts";

/** Runs writes, tries them, and sees to it that a person agreed where one has to. */
export interface Executor {
  execute(input: ExecuteInput, caller: Caller, person?: Person): Promise<ExecuteReport | Question>;
}

export function createExecutor(deps: {
  readonly prepare: QueryRunner["prepare"];
  readonly confirm: (principal: Principal) => Confirm;
  readonly facts: (connection: string) => Pick<EngineFacts, "identifierQuote" | "defaultSchema" | "outlivesRollback">;
  /** How much is told of what a statement returns. */
  readonly inline: { readonly rows: number; readonly bytes: number };
}): Executor {
  const { inline } = deps;

  const opened = async (input: ExecuteInput, caller: Caller): Promise<Prepared> => {
    const prepared = await deps.prepare({ ...input, access: "write" }, caller);
    if (prepared.statement.kind !== "read") return prepared;
    await prepared[Symbol.asyncDispose]();
    throw problem("INPUT_INVALID", "The statement only reads", "Send it with query");
  };
  const toldOf = ({ statement, connection }: Prepared, rows?: number): Told => {
    const { defaultSchema } = deps.facts(connection);
    const tables = written(statement).map(({ schema = defaultSchema, name }) => (schema === defaultSchema ? name : `${schema}.${name}`));
    return { verb: statement.analysis?.verb ?? statement.kind, tables, rows };
  };
  const tried = async (prepared: Prepared): Promise<Rehearsal> => {
    try {
      return await prepared.change((write) => rehearse(write, deps.facts(prepared.connection).identifierQuote));
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== "UNSUPPORTED" || prepared.statement.kind !== "schema") throw error;
      throw problem("UNSUPPORTED", `It cannot be tried: ${error.message}`, "Send it without the dry run, if it is meant to run", error);
    }
  };

  const dryRun = async (input: ExecuteInput, caller: Caller): Promise<ExecuteReport> => {
    caller.note?.({ dryRun: true });
    await using prepared = await opened(input, caller);
    const { affectedRows, before, after, returned, notes } = await tried(prepared);
    const { outlivesRollback } = deps.facts(prepared.connection);
    const rows = { before, after, "what it returns": returned };
    const bytes = Math.min(inline.bytes, prepared.narrowing.maxBytes ?? inline.bytes) / 2;
    const samples = Object.entries(rows).map(([title, sample]) => sample && sampleText(title, sample, bytes));
    const adds = prepared.statement.analysis?.relations.some(({ access }) => access === "insert") ?? true;
    const left = outlivesRollback === undefined || !adds ? [] : [`a rollback does not take back ${outlivesRollback}`];
    const lines = [...notes, ...left, `dry run, nothing was changed: ${told(toldOf(prepared, affectedRows))}`];
    return {
      text: `${samples.join("")}${lines.map((line) => `-- ${line}`).join("\n")}`,
      ...(affectedRows !== undefined && { affectedRows }),
    };
  };

  const ask = async (input: ExecuteInput, caller: Caller): Promise<Question> => {
    caller.note?.({ consent: "asked" });
    await using prepared = await opened(input, caller);
    const rehearsal = prepared.statement.kind === "write" ? await tried(prepared).catch(unlessImpossible) : undefined;
    const rows = rehearsal?.affectedRows;
    const question = questionText(prepared.connection, toldOf(prepared, rows), input.sql, input.params ?? []);
    return { question, ...(rows !== undefined && isCountable(prepared.statement) && { rows }) };
  };

  const run = async (input: ExecuteInput, caller: Caller, agreed?: number): Promise<ExecuteReport> => {
    await using prepared = await opened(input, caller);
    const keep = Math.min(inline.rows, prepared.narrowing.maxRows ?? inline.rows);
    const bytes = Math.min(inline.bytes, prepared.narrowing.maxBytes ?? inline.bytes);
    const { affectedRows, returned } = await prepared.change((write) => change(write, keep, agreed));
    caller.span.set({ [attribute.affectedRows]: affectedRows });
    caller.note?.({ ...(affectedRows !== undefined && { affectedRows }), ...(returned.columns.length > 0 && { rows: returned.total }) });
    const text = `${sampleText("returned", returned, bytes)}-- done: ${told(toldOf(prepared, affectedRows))}`;
    return { text, ...(affectedRows !== undefined && { affectedRows }) };
  };

  return {
    async execute({ dryRun: dry, ...input }, caller, person) {
      if (dry) return dryRun(input, caller);
      const confirm = deps.confirm(caller.principal);
      if (confirm === "never" || (confirm === "possible" && person === undefined)) return run(input, caller);
      if (person === undefined)
        throw problem(
          "POLICY_DENIED",
          "A person has to agree to every write, and your client has no way to ask one",
          "Use a client that supports elicitation, or have a person run it: tidegate query <target> --write",
        );
      const { answer } = person;
      if (answer === undefined) return ask(input, caller);
      caller.note?.({ consent: answer.said });
      if (answer.said === "yes") return run(input, caller, answer.rows);
      throw answer.said === "no"
        ? problem("FORBIDDEN", "The person who was asked said no: nothing was changed", "Ask them what they want instead")
        : problem("CANCELLED", "The person who was asked gave no answer: nothing was changed", "Send it again when they are there");
    },
  };
}

/** What cannot be tried can still be asked about; whatever else is wrong with a statement, nobody has to be asked. */
function unlessImpossible(error: unknown): undefined {
  if (error instanceof Problem && error.code === "UNSUPPORTED") return undefined;
  throw error;
}
