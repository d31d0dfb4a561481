import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import type { Call, InlineResult, Tool } from "../../core/contract/tool.ts";
import { problem } from "../../core/problem.ts";
import { createLog, type LogLevel } from "../../core/telemetry/log.ts";
import type { Span } from "../../core/telemetry/span.ts";
import { createToolCalls } from "../../core/tools/call.ts";
import { queryTool } from "../../core/tools/query.ts";

type Run = (input: any, call: Call) => Promise<string>;

/** Calls of one tool, the lines it logged and the attributes of its spans. */
function room(run: Run, level: LogLevel = "warn") {
  const lines: string[] = [];
  const attributes: Record<string, unknown> = {};
  const log = createLog({ level, format: "text", colour: false, write: (line) => void lines.push(line) });
  const span: Span = {
    traceId: "t1",
    child: () => span,
    set: (more) => void Object.assign(attributes, more),
    end: () => undefined,
    traceparent: () => "",
  };
  const input = z.strictObject({ connection: z.enum(["shop", "lake"]).optional(), many: z.array(z.enum(["a"])).optional() });
  const tool: Tool = { name: "work", description: "", access: "read", input, run };
  const unused = () => assert.fail("this is not called");
  const telemetry = { root: () => span, close: async () => undefined };
  const bind = () => ({
    query: unused,
    page: unused,
    analyze: unused,
    stored: unused,
    storedBytes: unused,
    explain: unused,
    export: unused,
    execute: unused,
    inspect: unused,
  });
  const calls = createToolCalls({ tools: [tool], bind, telemetry, log });
  const call = (given: unknown = {}, signal = new AbortController().signal) =>
    calls.call(tool.name, given, { principal: { id: "local", roles: [], via: "local" }, signal });
  return { calls, call, lines, attributes };
}

describe("a call of a tool", () => {
  it("logs what failed inside under the id that its caller is told, and the cause for those who debug", async () => {
    const failing: Run = async () => Promise.reject(new TypeError("the cause"));
    for (const level of ["warn", "debug"] as const) {
      const { call, lines } = room(failing, level);
      const { code, message } = await call().then(
        () => assert.fail("it ran"),
        (error) => error,
      );
      assert.equal(code, "INTERNAL");
      const id = /error (\w+)/.exec(message)?.[1] ?? "no id";
      assert.ok(lines[0]?.includes(id));
      assert.match(lines[0] ?? "", / error .*code=INTERNAL tool=work trace=t1/);
      assert.equal(lines.join("").includes("the cause"), level === "debug");
    }
  });

  it("logs nothing when it is refused for a reason", async () => {
    const { call, lines } = room(async () => Promise.reject(problem("NOT_FOUND", "No")), "debug");
    await assert.rejects(call(), { code: "NOT_FOUND" });
    assert.deepEqual(lines, []);
  });

  it("suggests the nearest of a list, or the list", async () => {
    const { call } = room(async () => "ran");
    await assert.rejects(call({ connection: "shp" }), {
      code: "INPUT_INVALID",
      message: 'Cannot run work: argument "connection" cannot be "shp"',
      hint: 'Did you mean "shop"?',
    });
    await assert.rejects(call({ connection: "elsewhere" }), { hint: "Use one of: shop, lake" });
    await assert.rejects(call({ connection: 7 }), { code: "INPUT_INVALID", hint: "Its arguments are: connection, many" });
    await assert.rejects(call({ many: ["b"] }), { message: /argument "many\.0"/ });
    assert.equal(await call({ connection: "shop" }), "ran");
  });

  it("counts the bytes of its answer, not the letters", async () => {
    const { call, attributes } = room(async () => "né");
    await call();
    assert.equal(attributes["tidegate.bytes"], 3);
  });
});

describe("closing the calls", () => {
  it("cancels those under way and waits until they have cleaned up", async () => {
    let cleaned = false;
    const { calls, call } = room(
      (_, { signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () =>
            setTimeout(() => {
              cleaned = true;
              reject(signal.reason);
            }, 20),
          ),
        ),
    );
    const outcome = assert.rejects(call(), { code: "CANCELLED", message: "The server is ending" });
    await calls.close();
    assert.ok(cleaned);
    await outcome;
    await assert.rejects(call(), { code: "CANCELLED" });
  });

  it("does not wait for ever", async () => {
    const { calls, call } = room(() => new Promise(() => undefined));
    void call();
    await calls.close();
  });
});

describe("the last line of an answer", () => {
  const result = { text: "n\n1\n", shown: 1, total: 3, counted: "all", cut: "rows", millis: 1 } as const;
  const last = async (more: Partial<InlineResult>) => {
    const call = { traceId: "t1", query: async () => ({ ...result, ...more }) } as unknown as Call;
    return String(await queryTool(["shop"]).run({ sql: "select" }, call))
      .split("\n")
      .at(-1);
  };

  it("says what can be done about rows left out", async () => {
    assert.equal(await last({}), "-- 1 of 3 rows: raise max_rows, narrow the query, or use export; trace t1");
    assert.equal(
      await last({ setting: "limits.maxRows" }),
      "-- 1 of 3 rows: limits.maxRows allows no more: narrow the query, or use export; trace t1",
    );
    assert.equal(
      await last({ setting: "connections.shop.maxRows", counted: "at least", total: 2 }),
      "-- 1 of at least 2 rows: connections.shop.maxRows allows no more: narrow the query; trace t1",
    );
  });
});
