import type { Principal } from "../contract/policy.ts";
import type { Call, SchemaIssue, Tool } from "../contract/tool.ts";
import { asProblem, didYouMean, type Problem, problem } from "../problem.ts";
import type { Caller } from "../query/run.ts";
import { attribute } from "../telemetry/attributes.ts";
import type { Telemetry } from "../telemetry/trace.ts";

/** Who calls, how to stop the call, and where its trace continues. */
export interface CallContext {
  readonly principal: Principal;
  readonly signal: AbortSignal;
  readonly traceparent?: string;
  readonly tracestate?: string;
  /** Told how many seconds the call has been running, about twice a second, for callers that asked. */
  progress?(seconds: number): void;
}

/** What a call can do, given on whose behalf; bound afresh for each call. */
export type Bind = (caller: Caller) => Pick<Call, "query" | "explain" | "export" | "inspect">;

export interface ToolCalls {
  /** Validates, opens the span, runs the tool and returns the text a model reads. @throws Problem, always */
  call(name: string, input: unknown, context: CallContext): Promise<string>;
}

export function createToolCalls(deps: { readonly tools: readonly Tool[]; readonly bind: Bind; readonly telemetry: Telemetry }): ToolCalls {
  return {
    async call(name, input, context) {
      const span = deps.telemetry.root("tool", name, context);
      const beat = heartbeat(context);
      try {
        const tool = deps.tools.find((candidate) => candidate.name === name);
        if (tool === undefined) throw unknownTool(name, deps.tools);
        const { principal, signal } = context;
        const call: Call = {
          ...deps.bind({ principal, signal, span }),
          principal,
          signal,
          traceId: span.traceId,
        };
        const text = await tool.run(validated(tool, input), call);
        span.set({ [attribute.bytes]: text.length });
        span.end();
        return text;
      } catch (error) {
        const reported = asProblem(error);
        span.end({ error: reported });
        throw reported;
      } finally {
        clearInterval(beat);
      }
    },
  };
}

function heartbeat({ progress }: CallContext): ReturnType<typeof setInterval> | undefined {
  const started = performance.now();
  return progress && setInterval(() => progress(Math.round((performance.now() - started) / 100) / 10), 500);
}

function unknownTool(name: string, tools: readonly Tool[]): Problem {
  const names = tools.map((tool) => tool.name);
  return problem("NOT_FOUND", `No tool is named "${name}"`, didYouMean(name, names) ?? `Use one of: ${names.join(", ")}`);
}

function validated(tool: Tool, input: unknown): unknown {
  const parsed = tool.input.safeParse(input ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw problem(
    "INPUT_INVALID",
    `Cannot run ${tool.name}: ${issue === undefined ? "its arguments are not an object" : describe(issue)}`,
    hint(issue, tool),
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
