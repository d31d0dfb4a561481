import assert from "node:assert/strict";
import { cellOf, type DriverCase, firstBatch, never, rejection, rowsOf } from "./bench.ts";

const forever = 10 ** 12;

export const cancelling: readonly DriverCase[] = [
  {
    name: "stops the engine when the loop is left early",
    async run({ open, fixture }) {
      await using connection = await open("read");
      const stream = await connection.query(fixture.manyRows(forever), [], { signal: never, batchSize: 100 });
      assert.equal(await firstBatch(stream), 100);
      assert.equal(await cellOf(connection, "select count(*) from item"), 3);
    },
  },
  {
    name: "stops the engine when a stream is disposed unread",
    async run({ open, fixture }) {
      await using connection = await open("read");
      const stream = await connection.query(fixture.manyRows(forever), [], { signal: never, batchSize: 100 });
      await stream[Symbol.asyncDispose]();
      await stream[Symbol.asyncDispose]();
      assert.equal(await firstBatch(stream), 0);
      assert.equal(await cellOf(connection, "select count(*) from item"), 3);
    },
  },
  {
    name: "does not connect for a caller who has left",
    async run({ open }) {
      const reason = new Error("gone");
      assert.equal(await rejection(open("read", AbortSignal.abort(reason))), reason);
    },
  },
  {
    name: "does not start a statement for a caller who has left",
    async run({ open }) {
      await using connection = await open("write");
      const reason = new Error("gone");
      const options = { signal: AbortSignal.abort(reason), batchSize: 100 };
      assert.equal(await rejection(connection.query("delete from item", [], options)), reason);
      assert.equal(await cellOf(connection, "select count(*) from item"), 3);
    },
  },
  {
    name: "stops a statement that has not given a row yet",
    async run({ open, fixture }) {
      await using connection = await open("read");
      const caller = new AbortController();
      const reading = connection.query(fixture.endless, [], { signal: caller.signal, batchSize: 100 }).then(firstBatch);
      setTimeout(() => caller.abort(new Error("gone")), 100);
      assert.equal(await rejection(reading), caller.signal.reason);
      await using next = await open("read");
      assert.equal(await cellOf(next, "select count(*) from item"), 3);
    },
  },
  {
    name: "stops at a time limit",
    async run({ open, fixture }) {
      await using connection = await open("read");
      const signal = AbortSignal.timeout(100);
      const reading = connection.query(fixture.endless, [], { signal, batchSize: 100 }).then(firstBatch);
      assert.equal(await rejection(reading), signal.reason);
    },
  },
  {
    name: "stops between batches when the caller leaves",
    async run({ open, fixture }) {
      await using connection = await open("read");
      const caller = new AbortController();
      let batches = 0;
      const reading = async () => {
        for await (const batch of await connection.query(fixture.manyRows(forever), [], { signal: caller.signal, batchSize: 100 })) {
          batches += batch.length / 100;
          if (batches === 3) caller.abort(new Error("gone"));
        }
      };
      assert.equal(await rejection(reading()), caller.signal.reason);
      assert.equal(batches, 3);
    },
  },
  {
    name: "hears a cancel that comes from outside while rows flow",
    async run({ open, fixture }) {
      await using connection = await open("read");
      const signal = AbortSignal.timeout(20);
      const reading = async () => {
        for await (const _ of await connection.query(fixture.manyRows(forever), [], { signal, batchSize: 100 }));
      };
      assert.equal(await rejection(reading()), signal.reason);
    },
  },
  {
    name: "is usable or plainly closed after a cancel, never poisoned",
    async run({ open, fixture }) {
      await using connection = await open("read");
      const caller = new AbortController();
      const stream = await connection.query(fixture.manyRows(forever), [], { signal: caller.signal, batchSize: 100 });
      const reading = async () => {
        for await (const _ of stream) caller.abort(new Error("gone"));
      };
      await rejection(reading());
      const alive = await connection.ping(never).then(
        () => true,
        () => false,
      );
      if (alive) assert.deepEqual(await rowsOf(connection, "select id from item order by id"), [[1], [2], [3]]);
      else await rejection(rowsOf(connection, "select 1"));
    },
  },
];
