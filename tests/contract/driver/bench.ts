import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Connection, Driver, Params } from "../../../core/contract/driver.ts";
import type { DriverFixture, DriverSuite } from "../../../core/contract/driver-suite.ts";
import type { Diagnosis, ProblemCode } from "../../../core/contract/problem.ts";
import type { Column, RowStream, Value } from "../../../core/contract/rows.ts";

/** One behaviour every driver must have. `run` fails by an assertion, never by knowing which driver it has. */
export interface DriverCase {
  readonly name: string;
  run(bench: Bench): Promise<void>;
}

/** What a case works with: the driver under test and a filled database. */
export interface Bench {
  readonly driver: Driver;
  readonly fixture: DriverFixture;
  readonly suite: DriverSuite;
  open(access: "read" | "write", signal?: AbortSignal): Promise<Connection>;
  quoted(name: string): string;
  /** Waits for a failure, lets the driver read it, and holds the diagnosis to the style of problems. */
  diagnosed(failing: Promise<unknown>, code?: ProblemCode): Promise<Diagnosis>;
  /** Names that need quoting in every way. */
  readonly odd: { readonly table: string; readonly blank: string };
  /** Private and empty at first; gone after the suite. */
  readonly folder: string;
  close(): void;
}

export const never = new AbortController().signal;
const oddName = `odd "name" 'of' a;\ntable -- é😀`;

export function createBench(suite: DriverSuite): Bench {
  const { driver, fixture, target, writableTarget = target } = suite;
  const quote = driver.facts.identifierQuote;
  const folder = mkdtempSync(join(tmpdir(), "tidegate-driver-"));
  const secret = target.password?.reveal();
  return {
    driver,
    fixture,
    suite,
    open: (access, signal = never) => driver.connect(access === "read" ? target : writableTarget, { signal, readOnly: access === "read" }),
    quoted: (name) => quote + name.replaceAll(quote, quote + quote) + quote,
    async diagnosed(failing, code) {
      const error = await rejection(failing);
      const diagnosis = driver.diagnose(error);
      if (diagnosis === undefined) throw error;
      assert.match(diagnosis.message, /^[A-Z"`[].*[^.\s]$/s, "a message starts with a capital and ends without a full stop");
      if (diagnosis.hint !== undefined) assert.match(diagnosis.hint, /^[A-Z]/);
      if (secret) assert.ok(!JSON.stringify(diagnosis).includes(secret), "a diagnosis never holds the password");
      if (code !== undefined) assert.equal(diagnosis.code, code, diagnosis.message);
      return diagnosis;
    },
    odd: fixture.oddNames ?? { table: oddName, blank: " " },
    folder,
    close: () => rmSync(folder, { recursive: true }),
  };
}

export async function rejection(failing: Promise<unknown>): Promise<unknown> {
  try {
    await failing;
  } catch (error) {
    return error;
  }
  throw new assert.AssertionError({ message: "It was expected to fail, and did not" });
}

/** Tables every case may read. Cases that write use tables of their own. */
export async function fillDatabase({ open, quoted, fixture, odd: names }: Bench): Promise<void> {
  await using connection = await open("write");
  const odd = quoted(names.table);
  const setup = [
    "create table maker (id integer not null primary key, name varchar(40) not null unique)",
    "create table item (id integer not null, maker_id integer, name varchar(40) default 'none' not null, price decimal(10,2), primary key (id), foreign key (maker_id) references maker (id))",
    "create table link (a integer not null, b integer not null, primary key (b, a))",
    "create index item_by_name on item (name, id)",
    "create view cheap as select id, name from item where price < 10",
    "create table vacant (id integer, label varchar(10))",
    "insert into maker (id, name) values (1, 'Ada'), (2, 'Grace')",
    "insert into item (id, maker_id, name, price) values (1, 1, 'pen', 1.5), (2, 2, 'desk', 250), (3, null, 'lamp', null)",
    `create table ${odd} (${odd} integer, ${quoted("select")} varchar(10), ${quoted(names.blank)} integer)`,
    `insert into ${odd} values (7, 'x', null)`,
    "create table field (id integer, label varchar(100))",
    `insert into field values (1, 'plain'), (2, ''), (3, null), (4, 'a,b'), (5, 'say "so"'), (6, 'two\nlines'), (7, 'cr\rhere'), (8, ' é😀 '), (9, '${"x".repeat(99)}')`,
    ...fixture.values.flatMap(({ declared, literal }, index) => [
      `create table value_${index} (cell ${declared})`,
      `insert into value_${index} values (${literal}), (null)`,
    ]),
  ];
  for (const sql of setup) await rowsOf(connection, sql);
}

export interface Answer {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Value[])[];
  readonly affectedRows?: number;
}

/** Runs a statement and gathers its rows. */
export async function answer(connection: Connection, sql: string, params: Params = [], batchSize = 1000): Promise<Answer> {
  await using stream = await connection.query(sql, params, { signal: never, batchSize });
  const rows: Value[][] = [];
  for await (const batch of stream) {
    assert.equal(batch.columns.length, stream.columns.length);
    assert.ok(batch.length <= batchSize, "a batch holds at most batchSize rows");
    for (let row = 0; row < batch.length; row++) rows.push(batch.columns.map((column) => column[row] as Value));
  }
  return { columns: stream.columns, rows, ...(stream.affectedRows !== undefined && { affectedRows: stream.affectedRows }) };
}

export async function rowsOf(connection: Connection, sql: string, params: Params = []): Promise<Answer["rows"]> {
  return (await answer(connection, sql, params)).rows;
}

/** The only cell of a result. */
export async function cellOf(connection: Connection, sql: string, params: Params = []): Promise<Value> {
  const rows = await rowsOf(connection, sql, params);
  assert.equal(rows.length, 1);
  return rows[0]?.[0] as Value;
}

/** Reads the first batch and leaves. */
export async function firstBatch(stream: RowStream): Promise<number> {
  for await (const batch of stream) return batch.length;
  return 0;
}
