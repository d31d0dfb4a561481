import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Connection, PartReader, SplitTable } from "../../core/contract/driver.ts";
import { csvRow } from "../../core/export/csv.ts";
import { formatNamed } from "../../core/export/formats.ts";
import { copyTable, type PartsRequest } from "../../core/export/parts.ts";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { answer, cellOf, never, rejection } from "../contract/driver/bench.ts";
import { findPostgres, majorOf, type PostgresServer, startPostgres } from "../support/services-postgres.ts";

const bin = findPostgres();
const driver = createPostgresDriver();
const splits = typeof bin !== "string" || majorOf(bin) >= 14;
/** A test of what is read over several connections. */
const itSplits = (name: string, run: () => Promise<void>) =>
  splits ? it(name, run) : it.skip(`${name} (PostgreSQL reads ranges of pages since version 14)`, run);

const parquet = formatNamed("parquet");
const staging = { signal: never, tempFolder: tmpdir() };

/** The types and the values of a Parquet file, as DuckDB finds them. */
async function parquetFound(bytes: Uint8Array): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), "tidegate-bulk-"));
  const connection = await (await DuckDBInstance.create()).connect();
  try {
    const path = join(folder, "found.parquet");
    await writeFile(path, bytes);
    const types = await connection.runAndReadAll(`select column_name, column_type from (describe from '${path}')`);
    return [types.getRowsJson(), (await connection.runAndReadAll(`select place, cell::varchar from '${path}'`)).getRowsJson()];
  } finally {
    connection.closeSync();
    await rm(folder, { recursive: true });
  }
}

const schema = `
  create table big as select i as id, 'row "' || i || E'",\\n' as name, case when i % 3 = 0 then null when i % 3 = 1 then '' else repeat('x', 80) end as note,
    i * 0.1::float8 as amount, i % 2 = 0 as even, decode(md5(i::text), 'hex') as hash from generate_series(1, 300000) as i;
  create view seen as select * from big;
  create table measured (like big) partition by range (id);
  create table measured_all partition of measured for values from (0) to (1000000);
  create table parent (like big);
  create table child () inherits (parent);
  create table listed as select i as id, array[i] as list, repeat('x', 100) as note from generate_series(1, 300000) as i;
  create table hidden as select * from big;
  alter table hidden enable row level security;
  create policy even_only on hidden using (even);
  create role ann login password 'open-sesame';
  grant select on hidden, big to ann;
  create table small as select 1 as one;
  insert into measured select * from big;
  insert into parent select * from big;
  insert into child select * from big;
`;

describe("driver postgres, in bulk", { skip: typeof bin === "string" ? false : `needs a server: ${bin.absent}` }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres(bin as string);
    server.psql(schema);
  });
  after(() => server?.stop());

  const open = (target = server.target("postgres")): Promise<Connection> => driver.connect(target, { signal: never, readOnly: true });
  const big = { schema: "public", name: "big" };
  const running = () =>
    Number(
      server.psql(
        "select count(*) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend' and state <> 'idle'",
      ),
    );

  async function digest(chunks: AsyncIterable<Uint8Array>): Promise<string> {
    const hash = createHash("sha256");
    for await (const chunk of chunks) hash.update(chunk);
    return hash.digest("hex");
  }
  const alone = async (connection: Connection, table = "big") =>
    digest((await connection.copyOut?.(`select * from ${table}`, [], { signal: never, batchSize: 1 })) ?? assert.fail("it copies"));

  /** Borrows real connections, and ends them when they come back. */
  const over = (rest: Partial<PartsRequest> = {}): PartsRequest => ({
    table: big,
    jobs: 2,
    signal: never,
    borrow: async () => {
      const connection = await open();
      return { connection, release: async () => connection[Symbol.asyncDispose]() };
    },
    without: (error) => assert.fail(error instanceof Error ? error : "a connection did not join"),
    ...rest,
  });
  const whole = async (connection: Connection, rest: Partial<PartsRequest> = {}) =>
    (await copyTable(connection, over(rest))) ?? assert.fail("it splits");

  itSplits("reads a table over several connections as one connection does", async () => {
    await using connection = await open();
    const expected = await alone(connection);
    for (const jobs of [1, 2, 3]) {
      const csv = await whole(connection, { jobs });
      assert.equal(await digest(csv), expected);
      assert.equal(csv.rows, 300_000);
    }
    const { columns } = await answer(connection, "select * from big limit 0");
    assert.deepEqual((await whole(connection)).columns, columns);
  });

  itSplits("sees one moment over all of them", async () => {
    await using connection = await open();
    await using other = await open();
    const expected = await alone(connection, "big");
    const split: SplitTable = (await connection.split?.(big, { signal: never })) ?? assert.fail("it splits");
    server.psql("delete from big where id % 5 = 0; update big set name = 'later'; insert into big (id) select generate_series(1, 5000)");
    const joined: PartReader = (await other.joinSplit?.(split.token, never)) ?? assert.fail("it joins");
    async function* both() {
      for (let part = 0; part < split.parts; part++) yield* (part % 2 === 0 ? joined : split).copyPart(part);
    }
    assert.equal(await digest(both()), expected);
    assert.equal(split.rows + joined.rows, 300_000);
    await Promise.all([split, joined].map((reader) => reader[Symbol.asyncDispose]()));
    assert.deepEqual([await cellOf(connection, "select 1"), await cellOf(other, "select 2"), running()], [1, 2, 0]);
  });

  itSplits("splits plain tables only, of which it sees every row, and that are worth it", async () => {
    await using connection = await open();
    for (const name of ["seen", "measured", "parent", "listed", "small"])
      assert.equal(await connection.split?.({ schema: "public", name }, { signal: never }), undefined, name);
    await using ann = await open(server.target("postgres", { user: "ann", password: { reveal: () => "open-sesame" } }));
    assert.equal(await ann.split?.({ schema: "public", name: "hidden" }, { signal: never }), undefined);
    const split = (await ann.split?.(big, { signal: never })) ?? assert.fail("it splits");
    await split[Symbol.asyncDispose]();
    assert.equal(await cellOf(connection, "select 1"), 1);
  });

  if (!splits)
    it("splits nothing where a range of pages costs as much as the table", async () => {
      await using connection = await open();
      assert.equal(await connection.split?.(big, { signal: never }), undefined);
      assert.equal(await copyTable(connection, over()), undefined);
      assert.equal(await cellOf(connection, "select 1"), 1);
    });

  itSplits("says what is wrong with a table that is not there", async () => {
    await using connection = await open();
    const diagnosis = driver.diagnose(await rejection(connection.split?.({ name: "bog" }, { signal: never }) ?? Promise.resolve()));
    assert.equal(diagnosis?.code, "SQL_INVALID");
    assert.equal(await cellOf(connection, "select 1"), 1);
  });

  itSplits("stops every connection when the caller leaves, and when the reader does", async () => {
    await using connection = await open();
    const caller = new AbortController();
    const reading = async () => {
      for await (const _ of await whole(connection, { signal: caller.signal, jobs: 3 })) caller.abort(new Error("gone"));
    };
    assert.equal(await rejection(reading()), caller.signal.reason);
    for await (const _ of await whole(connection, { jobs: 3 })) break;
    assert.equal(await cellOf(connection, "select 1"), 1);
    assert.equal(running(), 0);
  });

  itSplits("fails as a whole when one connection is lost", async () => {
    await using connection = await open();
    const reading = async () => {
      for await (const _ of await whole(connection, { jobs: 2 }))
        server.psql("select pg_terminate_backend(pid) from pg_stat_activity where query like 'COPY%' and pid <> pg_backend_pid() limit 1");
    };
    assert.equal(driver.diagnose(await rejection(reading()))?.code, "CONNECTION_FAILED");
  });

  itSplits("does not wait behind a change of the table that waits for it", async () => {
    await using connection = await open();
    const split = (await connection.split?.(big, { signal: never })) ?? assert.fail("it splits");
    await using writer = await driver.connect(server.target("postgres"), { signal: never, readOnly: false });
    const change = writer.query("alter table big add column later int", [], { signal: never, batchSize: 1 });
    const waits = "select count(*) from pg_locks where not granted";
    while (server.psql(waits) === "0") await new Promise(setImmediate);
    await using other = await open();
    const refused = await rejection(other.joinSplit?.(split.token, never) ?? Promise.resolve());
    assert.equal(driver.diagnose(refused)?.code, "CONFLICT");
    await split[Symbol.asyncDispose]();
    await change;
  });

  it("writes the same Parquet from its CSV as from its rows", async () => {
    const values: Readonly<Record<string, readonly string[]>> = {
      boolean: ["true", "false"],
      smallint: ["-32768"],
      bigint: ["9223372036854775807", "-9223372036854775808"],
      oid: ["4294967295"],
      real: ["0.1", "1e20", "'NaN'"],
      "double precision": ["-0.0", "5e-324", "1e15", "'-Infinity'"],
      "numeric(10,2)": ["12345678.90", "-0.01"],
      "numeric(9,3)": ["'NaN'", "1.5"],
      numeric: ["1e100", "0.1"],
      text: ["''", "E'a,\"b\"\\n\\r\\tc'", "'NULL'", "'😀'"],
      bytea: ["'\\x00ff'", "''"],
      date: ["'infinity'", "'0044-03-15 BC'", "'5874897-12-31'"],
      "timestamp(3)": ["'-infinity'", "'0044-03-15 12:00:00.5 BC'", "'2024-02-29 01:02:03.456'"],
      timestamptz: ["'294276-12-31 23:59:59.999999+00'", "'2024-02-29 01:02:03+05:30'"],
      time: ["'24:00:00'", "'12:30:00.000001'"],
      timetz: ["'12:30:00+02'"],
      interval: ["'1 year -2 days 00:00:00.000001'"],
      uuid: ["'0190163d-8694-739b-aea5-966c26f8ad91'"],
      json: ["'null'", `'{"a": 1.0, "a": 12345678901234567890123}'`],
      jsonb: ["'[1, null]'"],
      "int[]": ["'{{1,null},{3,4}}'"],
      inet: ["'10.0.0.1/8'"],
      money: ["'-1234.5'"],
    };
    await using connection = await open();
    for (const [type, texts] of Object.entries(values)) {
      const cells = [...texts, "null"].map((text, index) => `(${index}, cast(${text} as ${type}))`);
      const sql = `select * from (values ${cells.join(", ")}) as v (place, cell)`;
      const byRows = parquet.encode(await connection.query(sql, [], { signal: never, batchSize: 2 }), staging);
      const rows = await parquetFound(Buffer.concat(await Array.fromAsync(byRows)));
      const csv = (await connection.copyOut?.(sql, [], { signal: never, batchSize: 2, spelling: "any" })) ?? assert.fail("it copies");
      const byCsv = parquet.encodeCsv?.(csv, staging) ?? assert.fail("parquet reads CSV");
      assert.deepEqual(await parquetFound(Buffer.concat(await Array.fromAsync(byCsv))), rows, type);
    }
  });

  it("writes floats and truths in CSV as rows have them", async () => {
    await using connection = await open();
    const floats =
      "0, -0, 1, 0.1, -1.5, 1e-4, 9.9e-5, 1e-6, 1e-7, 123456.7, 1e6, 1e14, 1e15, 123456789012345680, 1e20, 1e21, 1e22, 1e38, 'NaN', 'Infinity', '-Infinity', -1e-5, -1e15, null";
    const values = floats
      .split(", ")
      .map((value) => `(${value}::real, 'a,"' || ${value === "null" ? "1" : 2}, ${value}::float8, ${value === "null" ? "null" : "true"})`);
    const sql = `values ${values.join(", ")}`;
    const { rows } = await answer(connection, sql);
    let text = "";
    for await (const chunk of (await connection.copyOut?.(sql, [], { signal: never, batchSize: 1 })) ?? []) text += Buffer.from(chunk);
    assert.equal(text, rows.map(csvRow).join(""));
  });
});
