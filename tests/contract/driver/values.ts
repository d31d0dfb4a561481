import assert from "node:assert/strict";
import { answer, type DriverCase, never } from "./bench.ts";

export const values: readonly DriverCase[] = [
  {
    name: "reads back every stored value at its extremes",
    async run({ open, fixture }) {
      await using connection = await open("read");
      for (const [index, { declared, literal, expected, type }] of fixture.values.entries()) {
        const { columns, rows } = await answer(connection, `select cell from value_${index} where cell is not null`);
        assert.deepEqual(rows, [[expected]], `${literal} in ${declared}`);
        assert.equal(columns[0]?.type, type, declared);
        assert.notEqual(columns[0]?.nativeType, "", declared);
      }
    },
  },
  {
    name: "reads NULL of every type as null",
    async run({ open, fixture }) {
      await using connection = await open("read");
      for (const [index, { declared }] of fixture.values.entries()) {
        const { rows } = await answer(connection, `select cell from value_${index} where cell is null`);
        assert.deepEqual(rows, [[null]], declared);
      }
    },
  },
  {
    name: "tells empty text from NULL",
    async run({ open }) {
      await using connection = await open("read");
      const { rows } = await answer(connection, "select id, label from field where id in (2, 3) order by id");
      assert.deepEqual(rows, [
        [2, ""],
        [3, null],
      ]);
    },
  },
  {
    name: "keeps line ends, quotes, blanks and characters beyond the basic plane",
    async run({ open }) {
      await using connection = await open("read");
      const { rows } = await answer(connection, "select label from field where id in (5, 6, 7, 8) order by id");
      assert.deepEqual(rows, [['say "so"'], ["two\nlines"], ["cr\rhere"], [" é😀 "]]);
    },
  },
  {
    name: "does not reuse a batch it has handed out",
    async run({ open, fixture }) {
      await using connection = await open("read");
      await using stream = await connection.query(fixture.manyRows(300), [], { signal: never, batchSize: 100 });
      const first: unknown[] = [];
      for await (const batch of stream) first.push(batch);
      const starts = (first as { columns: ArrayLike<unknown>[] }[]).map(({ columns }) => columns[0]?.[0]);
      assert.equal(new Set(starts).size, first.length);
    },
  },
];
