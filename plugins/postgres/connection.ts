import type { Connection, ExplainOptions, Params, QueryOptions } from "../../core/contract/driver.ts";
import { readCatalog } from "./catalog.ts";
import { copyOut } from "./copy/copy.ts";
import { joinSplit, splitTable } from "./copy/split.ts";
import { createGuard } from "./guard/guard.ts";
import type { Parser } from "./guard/parser/parser.ts";
import { proveReadOnly } from "./prove.ts";
import { refusal } from "./refusal.ts";
import type { Session } from "./session.ts";
import { explainedAt, kindOf, lower } from "./sql/kind.ts";
import { statementsOf } from "./sql/lexer.ts";
import { numbered } from "./sql/params.ts";
import { createDescriber } from "./statement/describe.ts";
import { type Engine, runStatement } from "./statement/run.ts";
import { beginTransaction } from "./transaction.ts";
import { createNames } from "./values/names.ts";

const never = new AbortController().signal;

export function createConnection(session: Session, parser: Parser): Connection {
  const names = createNames(session.opened.facts.version);
  const engine: Engine = { session, names, describer: createDescriber(names), guard: createGuard(session, parser) };
  const query: Connection["query"] = (sql, params, options) => runStatement(engine, sql, params, options);
  return {
    query,
    copyOut: (sql, params, options) => copyOut(engine, sql, params, options),
    split: (table, options) => splitTable(engine, table, options),
    joinSplit: (token, signal) => joinSplit(session, token, signal),
    analyze: (sql, signal = never) =>
      session.beside(signal, (work) => engine.guard.analyze(work, numbered(sql, undefined).sql, () => engine.describer.kinds(work, sql))),
    render: (sql, restrictions, signal) =>
      session.beside(signal, async (work) => (await engine.guard.sendable(work, numbered(sql, undefined).sql, restrictions)).sql),
    explain: (sql, params, options) => explain(engine, sql, params, options),
    cost: (sql, params, options) => cost(engine, sql, params, options),
    catalog: { read: (request) => readCatalog(session, request) },
    ping: (signal) => session.beside(signal, async (work) => void (await work.rows("select 1"))),
    get ended() {
      return session.ended;
    },
    begin: (options) => beginTransaction(engine, options),
    reset: (signal) => session.reset(signal),
    proveReadOnly: (signal) => proveReadOnly(session, query, signal),
    [Symbol.asyncDispose]: () => session.close(),
  };
}

async function explain(engine: Engine, sql: string, params: Params, options: ExplainOptions): Promise<string> {
  const [statement = []] = statementsOf(sql);
  if (lower(statement[0]) === "explain") {
    throw refusal({ code: "SQL_INVALID", message: "The statement is an EXPLAIN already", hint: "Leave EXPLAIN out" });
  }
  if (options.analyze && kindOf(statement) !== "read") {
    throw refusal({
      code: "POLICY_DENIED",
      message: "Cannot measure this statement: measuring runs it, and it is no read",
      hint: "Explain without analyze",
    });
  }
  return await plan(engine, options.analyze ? "ANALYZE, BUFFERS" : "COSTS", { sql, params, options });
}

/** What the planner thinks the statement, or the one it explains, will take. */
async function cost(engine: Engine, sql: string, params: Params, options: QueryOptions): Promise<number> {
  const [statement = []] = statementsOf(sql);
  const at = lower(statement[0]) === "explain" ? explainedAt(statement) : 0;
  if (!planned.test(lower(statement[at]))) return 0;
  const [found] = JSON.parse(await plan(engine, "FORMAT JSON", { sql: sql.slice(statement[at]?.start), params, options }));
  return Number(found?.Plan?.["Total Cost"] ?? 0);
}

const planned = /^(?:select|values|table|with|\(|insert|update|delete|merge)$/;

interface Asked {
  readonly sql: string;
  readonly params: Params;
  readonly options: QueryOptions;
}

async function plan(engine: Engine, how: string, { sql, params, options }: Asked): Promise<string> {
  const { values } = await engine.session.during(options.signal, (work) =>
    engine.describer.bound(work, sql, params, (_, text) => engine.guard.sendable(work, text, options.restrictions)),
  );
  const rows = await runStatement(engine, `EXPLAIN (${how}) ${numbered(sql, params).sql}`, values, options);
  const lines: string[] = [];
  await using stream = rows;
  for await (const { columns } of stream) for (const line of Array.from(columns[0] ?? [])) lines.push(String(line));
  return lines.join("\n");
}
