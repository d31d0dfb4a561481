import type { AuditCall, AuditedCall } from "../audit/call.ts";
import type { Principal } from "../contract/policy.ts";
import type { Call, Person, Question, SchemaIssue, Tool } from "../contract/tool.ts";
import { asProblem, didYouMean, type Problem, problem } from "../problem.ts";
import type { Caller } from "../query/run.ts";
import { attribute } from "../telemetry/attributes.ts";
import type { Log } from "../telemetry/log.ts";
import type { Telemetry } from "../telemetry/trace.ts";

/** Who calls, how to stop the call, and where its trace continues. */
export interface CallContext {
  readonly principal: Principal;
  readonly signal: AbortSignal;
  readonly traceparent?: string;
  readonly tracestate?: string;
  /** Whoever can be asked before something happens, and what they said; absent where nobody can be. @throws CONFLICT for an answer to something else */
  person?(): Promise<Person | undefined>;
  /** Told how many seconds the call has been running, and how many rows it has kept, about twice a second, for callers that asked. */
  progress?(seconds: number, rows: number): void;
}

/** What a call can do, given on whose behalf; bound afresh for each call. */
export type Bind = (
  caller: Caller,
  person?: Person,
) => Pick<Call, "query" | "page" | "analyze" | "stored" | "storedBytes" | "explain" | "export" | "execute" | "inspect">;

export interface ToolCalls {
  /** Validates, opens the span, runs the tool and returns what it gave. @throws Problem, always */
  call(name: string, input: unknown, context: CallContext): Promise<string | Question>;
  /** Cancels the calls under way and waits until they have cleaned up, two seconds at most; later calls are refused. */
  close(): Promise<void>;
}

/** How long a cancelled call may take to stop its engine and to remove what it began to write. */
const settleMillis = 2000;

export function createToolCalls(deps: {
  readonly tools: readonly Tool[];
  readonly bind: Bind;
  readonly telemetry: Telemetry;
  readonly log: Log;
  /** Begins the record of a call, where records are kept. */
  readonly audit?: AuditCall;
  /** Whether somebody may use a tool; one they may not use is not there for them. Absent means everybody, all. */
  readonly mayUse?: (principal: Principal, tool: Tool) => boolean;
  /** Waits for what a changed policy needs before it is in force. */
  readonly ready?: () => Promise<void>;
}): ToolCalls {
  const stop = new AbortController();
  const running = new Set<Promise<unknown>>();
  return {
    call(name, input, context) {
      const signal = AbortSignal.any([context.signal, stop.signal]);
      const answer = run(deps, name, input, { ...context, signal });
      const settled: Promise<unknown> = answer.catch(() => undefined).finally(() => running.delete(settled));
      running.add(settled);
      return answer;
    },
    async close() {
      stop.abort(problem("CANCELLED", "The server is ending"));
      let timer: ReturnType<typeof setTimeout> | undefined;
      const enough = new Promise((resolve) => {
        timer = setTimeout(resolve, settleMillis);
      });
      await Promise.race([Promise.all(running), enough]);
      clearTimeout(timer);
    },
  };
}

async function run(
  { tools: all, bind, telemetry, log, mayUse, audit, ready }: Parameters<typeof createToolCalls>[0],
  name: string,
  input: unknown,
  context: CallContext,
): Promise<string | Question> {
  const span = telemetry.root("tool", name, context);
  const done = { rows: 0 };
  const beat = heartbeat(context, done);
  if (ready !== undefined) await ready();
  const tools = mayUse === undefined ? all : all.filter((tool) => mayUse(context.principal, tool));
  let audited: AuditedCall | undefined;
  try {
    audited = audit?.({ trace: span.traceId, principal: context.principal, action: name.slice(0, 64) });
    const tool = tools.find((candidate) => candidate.name === name);
    if (tool === undefined) throw unknownTool(name, tools);
    const { principal, signal } = context;
    const person = context.person && (await context.person());
    signal.throwIfAborted();
    const keeping = (rows: number) => {
      done.rows = rows;
    };
    const call: Call = {
      ...bind({ principal, signal, span, keeping, ...(audited && { note: audited.note }) }, person),
      principal,
      signal,
      traceId: span.traceId,
    };
    const answer = await tool.run(validated(tool, input), call);
    const bytes = Buffer.byteLength(typeof answer === "string" ? answer : answer.question);
    span.set({ [attribute.bytes]: bytes });
    audited?.note({ bytes });
    audited?.end();
    span.end();
    return answer;
  } catch (error) {
    const reported = asProblem(error);
    if (reported.code === "INTERNAL") {
      const { message, cause } = reported;
      log.error(message, { code: reported.code, tool: tools.some((tool) => tool.name === name) ? name : undefined, trace: span.traceId });
      log.debug(`${message}: its cause`, { error: cause });
    }
    span.end({ error: reported });
    audited?.end(reported);
    throw reported;
  } finally {
    clearInterval(beat);
  }
}

function heartbeat({ progress }: CallContext, done: { readonly rows: number }): ReturnType<typeof setInterval> | undefined {
  const started = performance.now();
  return progress && setInterval(() => progress(Math.round((performance.now() - started) / 100) / 10, done.rows), 500);
}

function unknownTool(name: string, tools: readonly Tool[]): Problem {
  const names = tools.map((tool) => tool.name);
  return problem("NOT_FOUND", `No tool is named "${name}"`, didYouMean(name, names) ?? `Use one of: ${names.join(", ")}`);
}

function validated(tool: Tool, input: unknown): unknown {
  const parsed = tool.input.safeParse(input ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue !== undefined) refuseChoice(issue, tool, input);
  throw problem(
    "INPUT_INVALID",
    `Cannot run ${tool.name}: ${issue === undefined ? "its arguments are not an object" : describe(issue)}`,
    hint(issue, tool),
  );
}

/** A word outside a list is answered with the nearest of the list. */
function refuseChoice({ path, values }: SchemaIssue & { readonly values?: readonly unknown[] }, tool: Tool, input: unknown): void {
  const [key] = path;
  if (values === undefined || key === undefined || path.length > 1) return;
  const given = (input as Readonly<Record<PropertyKey, unknown>>)[key];
  if (typeof given !== "string") return;
  const choices = values.map(String);
  throw problem(
    "INPUT_INVALID",
    `Cannot run ${tool.name}: argument "${String(key)}" cannot be "${given.slice(0, 100)}"`,
    didYouMean(given.slice(0, 100), choices) ?? `Use one of: ${choices.join(", ")}`,
  );
}

function describe({ path, message }: SchemaIssue): string {
  const text = message.replace(/^./, (letter) => letter.toLowerCase()).replace(/\.$/, "");
  return path.length === 0 ? text : `argument "${path.join(".")}": ${text}`;
}

function hint(
  issue: (SchemaIssue & { readonly keys?: readonly string[] }) | undefined,
  tool: Tool & { readonly input: { readonly shape?: object } },
): string {
  const names = Object.keys(tool.input.shape ?? {});
  const [unknown] = issue?.keys ?? [];
  return (unknown === undefined ? undefined : didYouMean(unknown, names)) ?? `Its arguments are: ${names.join(", ")}`;
}
