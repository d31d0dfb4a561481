import type { CopyOptions, CsvStream, Params, QueryOptions } from "../../../core/contract/driver.ts";
import type { Column } from "../../../core/contract/rows.ts";
import { lower } from "../sql/kind.ts";
import { bodyOf, type Token } from "../sql/lexer.ts";
import { replaceAt } from "../sql/params.ts";
import type { Bound } from "../statement/describe.ts";
import { type Engine, ready, runStatement } from "../statement/run.ts";
import { bind, execute, parse } from "../wire/messages.ts";
import { tag } from "../wire/wire.ts";
import type { Work } from "../work.ts";
import { chunkBytes, copiedChunks } from "./chunks.ts";
import { type CopyForm, copyForm, copySql } from "./columns.ts";
import { csvLine } from "./csv.ts";

const copies = /^(?:select|values|table|with|\()$/;

/** A result as CSV, written by COPY where its form is ours, else by us from its rows. */
export async function copyOut(engine: Engine, sql: string, params: Params, options: CopyOptions): Promise<CsvStream> {
  const { session, names } = engine;
  const work = await session.begin(options.signal);
  try {
    const statement = await ready(engine, work, { sql, params, options, readOnly: session.readOnly });
    const columns = names.columns(statement.fields);
    const form = statement.kind === "read" && copies.test(lower(statement.tokens[0])) ? copyForm(columns, options.spelling) : undefined;
    if (form === undefined) {
      await work.end();
      return await rowsAsCsv(engine, sql, params, options);
    }
    await startCopy(work, statement, form);
    return createCopyStream(work, columns, form);
  } catch (error) {
    await work.end();
    throw error;
  }
}

/** COPY takes no parameters: they are bound to settings of the transaction, and the text reads those. */
async function startCopy(work: Work, statement: Bound, form: CopyForm): Promise<void> {
  const types = await typeNames(work, statement.parameterTypes);
  const { sql } = replaceAt(statement.sql, uses(statement.tokens, statement.values, types));
  work.transaction("READ ONLY");
  await work.ready();
  const given = statement.values.flatMap((value, index) => (value === null ? [] : [[`tidegate.p${index + 1}`, value] as const]));
  for (const [name, value] of given) {
    work.request(parse("select set_config($1, $2, true)"), bind("", [name, value]), execute("", 1));
  }
  work.request(parse(copySql(form, bodyOf(sql))), bind("", []), execute("", 0));
  work.running = true;
  while ((await work.reply()) !== tag.copyOut);
}

async function typeNames(work: Work, types: readonly number[]): Promise<readonly (string | null)[]> {
  if (types.length === 0) return [];
  const rows = await work.rows("select format_type(t.oid, -1) from unnest($1::oid[]) with ordinality as t (oid, place) order by place", [
    `{${types.join(",")}}`,
  ]);
  return rows.map(([name]) => name ?? null);
}

function uses(tokens: readonly Token[], values: Bound["values"], types: readonly (string | null)[]) {
  return tokens.flatMap(({ kind, text, start }) => {
    if (kind !== "param") return [];
    const index = Number(text.slice(1)) - 1;
    const value = values[index] === null ? "null" : `current_setting('tidegate.p${index + 1}')`;
    return [{ start, end: start + text.length, by: `(${value}::${types[index]})` }];
  });
}

function createCopyStream(work: Work, columns: readonly Column[], { floats }: CopyForm): CsvStream {
  const counted = { rows: 0 };
  return {
    columns,
    get rows() {
      return counted.rows;
    },
    async *[Symbol.asyncIterator]() {
      try {
        yield* copiedChunks(work, floats, counted);
      } finally {
        await work.end();
      }
    },
    [Symbol.asyncDispose]: () => work.end(),
  };
}

async function rowsAsCsv(engine: Engine, sql: string, params: Params, options: QueryOptions): Promise<CsvStream> {
  const stream = await runStatement(engine, sql, params, options);
  let rows = 0;
  return {
    columns: stream.columns,
    get rows() {
      return rows;
    },
    async *[Symbol.asyncIterator]() {
      let text = "";
      for await (const { columns, length } of stream) {
        for (let row = 0; row < length; row++) text += csvLine(columns.map((column) => column[row] ?? null));
        rows += length;
        if (text.length < chunkBytes) continue;
        yield Buffer.from(text);
        text = "";
      }
      if (text !== "") yield Buffer.from(text);
    },
    [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
  };
}
