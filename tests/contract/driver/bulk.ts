import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Connection } from "../../../core/contract/driver.ts";
import { csvRow } from "../../../core/export/csv.ts";
import { answer, cellOf, type DriverCase, never, rejection } from "./bench.ts";

const megabyte = 2 ** 20;
const million = 1_000_000;
/** V8 collects later and buffers larger than JavaScriptCore. */
const ceiling = ("Deno" in globalThis ? 230 : 190) * megabyte;

export const bulk: readonly DriverCase[] = [
  {
    name: "reads a million rows in flat memory",
    async run({ open, fixture }) {
      await using connection = await open("read");
      let rows = 0;
      const grown = await growth(async (look) => {
        await using stream = await connection.query(fixture.manyRows(million), [], { signal: never, batchSize: 2048 });
        for await (const batch of stream) {
          rows += batch.length;
          look(rows);
        }
      });
      assert.equal(rows, million);
      assert.ok(grown < ceiling, `grew by ${Math.round(grown / megabyte)} MB`);
    },
  },
  {
    name: "copies out CSV exactly as the exporter would write it",
    async run({ open, fixture }) {
      await using connection = await open("read");
      const tables = ["field", "vacant", ...fixture.values.map((_, index) => `value_${index}`)];
      for (const table of tables) {
        const { columns, rows } = await answer(connection, `select * from ${table}`);
        const copied = await copy(connection, `select * from ${table}`);
        assert.equal(copied.text, rows.map(csvRow).join(""), table);
        assert.equal(copied.rows, rows.length);
        assert.deepEqual(copied.columns, columns);
      }
    },
  },
  {
    name: "copies out with parameters",
    async run({ open, fixture }) {
      await using connection = await open("read");
      const { text } = await copy(connection, `select id, name from item where id = ${fixture.placeholder(1)}`, [2]);
      assert.equal(text, "2,desk\n");
    },
  },
  {
    name: "copies out a million rows in flat memory and large chunks",
    async run({ open, fixture }) {
      await using connection = await open("read");
      const sizes: number[] = [];
      const grown = await growth(async (look) => {
        await using stream = await copyOut(connection, fixture.manyRows(million));
        for await (const chunk of stream) {
          sizes.push(chunk.length);
          look(stream.rows);
        }
        assert.equal(stream.rows, million);
      });
      assert.equal(
        sizes.reduce((sum, size) => sum + size, 0),
        Array.from({ length: million }, (_, index) => String(index + 1).length + 202).reduce((sum, size) => sum + size, 0),
      );
      assert.ok(Math.min(...sizes.slice(0, -1)) >= 64 * 1024);
      assert.ok(grown < ceiling, `grew by ${Math.round(grown / megabyte)} MB`);
    },
  },
  {
    name: "stops copying out when the loop is left, and when the caller leaves",
    async run({ open, fixture }) {
      await using connection = await open("read");
      for await (const chunk of await copyOut(connection, fixture.manyRows(10 ** 12))) {
        assert.ok(chunk.length > 0);
        break;
      }
      assert.equal(await cellOf(connection, "select count(*) from item"), 3);
      const caller = new AbortController();
      const copying = async () => {
        for await (const _ of await copyOut(connection, fixture.manyRows(10 ** 12), [], caller.signal)) caller.abort(new Error("gone"));
      };
      assert.equal(await rejection(copying()), caller.signal.reason);
    },
  },
  {
    name: "writes files its own way",
    async run({ open, fixture, folder, diagnosed }) {
      await using connection = await open("read");
      const writers = Object.entries(connection.fileWriters ?? {});
      assert.ok(writers.length > 0, "the connection offers file writers");
      for (const [format, write] of writers) {
        const path = join(folder, `rows.${format}`);
        const { rows, columns } = await write(fixture.manyRows(5000), [], path, { signal: never });
        assert.equal(rows, 5000);
        if (columns !== undefined)
          assert.deepEqual(columns, (await connection.query(fixture.manyRows(1), [], { signal: never, batchSize: 1 })).columns);
        assert.ok(statSync(path).size > 1000, format);
        const broken = join(folder, `broken.${format}`);
        await diagnosed(write(fixture.failsHalfway, [], broken, { signal: never }));
        await diagnosed(write("delete from item", [], broken, { signal: never }));
        const reason = new Error("gone");
        assert.equal(await rejection(write("select 1", [], broken, { signal: AbortSignal.abort(reason) })), reason);
      }
    },
  },
  {
    name: "reports an error in the middle of a copy",
    async run({ open, fixture, diagnosed }) {
      await using connection = await open("read");
      await diagnosed(copy(connection, fixture.failsHalfway));
      await diagnosed(copy(connection, "select * from no_such_table"), "SQL_INVALID");
    },
  },
];

async function copyOut(connection: Connection, sql: string, params: readonly (string | number)[] = [], signal = never) {
  assert.ok(connection.copyOut, "the connection offers copyOut");
  return connection.copyOut(sql, params, { signal, batchSize: 2048 });
}

async function copy(connection: Connection, sql: string, params: readonly (string | number)[] = []) {
  await using stream = await copyOut(connection, sql, params);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let text = "";
  for await (const chunk of stream) text += decoder.decode(chunk, { stream: true });
  return { text: text + decoder.decode(), rows: stream.rows, columns: stream.columns };
}

/** How far memory rises after the first quarter, by when the collector has found its pace. Buffered, the rest is over 150 MB. */
async function growth(work: (look: (rows: number) => void) => Promise<void>): Promise<number> {
  let settled = 0;
  let most = 0;
  await work((rows) => {
    const now = process.memoryUsage().rss;
    if (rows <= million / 4) settled = Math.max(settled, now);
    most = Math.max(most, now);
  });
  return most - settled;
}
