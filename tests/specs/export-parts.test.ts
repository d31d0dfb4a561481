import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Connection, PartReader } from "../../core/contract/driver.ts";
import { PartQueue } from "../../core/export/part-queue.ts";
import { copyTable, type PartsRequest } from "../../core/export/parts.ts";

const table = { name: "t" };
const parts = 50;
const text = Array.from({ length: parts }, (_, part) => `${part}a\n${part}b\n`).join("");

/** A table that splits, and how its connections were used. */
function splitting(over: { readonly copyPart?: (part: number) => AsyncIterable<Uint8Array> } = {}) {
  const used = { open: 0, read: new Set<number>() };
  const reader = (id: number): PartReader => {
    let rows = 0;
    used.open++;
    return {
      get rows() {
        return rows;
      },
      async *copyPart(part) {
        used.read.add(id);
        if (over.copyPart) return yield* over.copyPart(part);
        for (const letter of "ab") {
          // The first connection is the slower one: what others have read waits.
          for (let turn = id === 0 ? 20 : 1; turn > 0; turn--) await Promise.resolve();
          rows++;
          yield Buffer.from(`${part}${letter}\n`);
        }
      },
      async [Symbol.asyncDispose]() {
        used.open--;
      },
    };
  };
  const connection = (id: number) =>
    ({
      split: async () => Object.assign(reader(id), { columns: [], parts, token: "then" }),
      joinSplit: async (token: string) => {
        assert.equal(token, "then");
        return reader(id);
      },
    }) as unknown as Connection;
  return { used, connection };
}

function request(connection: (id: number) => Connection, over: Partial<PartsRequest> = {}) {
  const lent = { open: 0, broken: 0, missed: [] as unknown[] };
  let last = 0;
  const all: PartsRequest = {
    table,
    jobs: 3,
    signal: new AbortController().signal,
    borrow: async () => {
      lent.open++;
      const release = async (broken = false) => {
        lent.open--;
        if (broken) lent.broken++;
      };
      return { connection: connection(++last), release };
    },
    without: (error) => void lent.missed.push(error),
    ...over,
  };
  return { lent, all };
}

async function read(first: Connection, all: PartsRequest): Promise<{ text: string; rows: number }> {
  const csv = (await copyTable(first, all)) ?? assert.fail("it splits");
  let found = "";
  for await (const chunk of csv) found += Buffer.from(chunk).toString();
  return { text: found, rows: csv.rows };
}

describe("a table read over several connections", () => {
  it("is whole and in order, whoever was faster", async () => {
    const { used, connection } = splitting();
    const { lent, all } = request(connection);
    assert.deepEqual(await read(connection(0), all), { text, rows: 2 * parts });
    assert.equal(used.read.size, 3);
    assert.deepEqual([used.open, lent.open, lent.broken], [0, 0, 0]);
  });

  it("is read by those that can be had, and told who cannot", async () => {
    const { used, connection } = splitting();
    const refusal = new Error("too many");
    const { lent, all } = request(connection, { borrow: () => Promise.reject(refusal) });
    assert.equal((await read(connection(0), all)).text, text);
    assert.deepEqual([used.read.size, lent.missed], [1, [refusal, refusal]]);
  });

  it("waits for nobody: a connection that never comes is given up at the end", async () => {
    const { used, connection } = splitting();
    const waiting = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const { lent, all } = request(connection, { borrow: waiting });
    assert.equal((await read(connection(0), all)).text, text);
    assert.deepEqual([used.read.size, used.open, lent.missed], [1, 0, []]);
  });

  it("fails as a whole when one part does, and gives every connection back", async () => {
    const failure = new Error("part 7");
    const { used, connection } = splitting({
      async *copyPart(part) {
        if (part === 7) throw failure;
        yield Buffer.from(`${part}`);
      },
    });
    const { lent, all } = request(connection);
    await assert.rejects(read(connection(0), all), failure);
    assert.deepEqual([used.open, lent.open], [0, 0]);
  });

  it("stops all of them when its reader leaves", async () => {
    let chunks = 0;
    const { used, connection } = splitting({
      async *copyPart() {
        for (; ; chunks++) yield new Uint8Array(2 ** 20);
      },
    });
    const { lent, all } = request(connection);
    for await (const _ of (await copyTable(connection(0), all)) ?? []) break;
    assert.deepEqual([used.open, lent.open], [0, 0]);
    assert.ok(chunks < 40, `${chunks} MB were read ahead`);
  });

  it("begins nothing when it is disposed unread", async () => {
    const { used, connection } = splitting();
    const csv = (await copyTable(connection(0), request(connection).all)) ?? assert.fail("it splits");
    await csv[Symbol.asyncDispose]();
    for await (const _ of csv) assert.fail("there is nothing to read");
    assert.deepEqual([used.open, used.read.size], [0, 0]);
  });

  it("is nothing for a connection that cannot split it", async () => {
    const { connection } = splitting();
    const { all } = request(connection);
    assert.equal(await copyTable({} as Connection, all), undefined);
    assert.equal(await copyTable({ split: async () => undefined } as unknown as Connection, all), undefined);
  });
});

describe("a queue of parts", () => {
  it("holds a bounded number of bytes, however far ahead readers are", async () => {
    const queue = new PartQueue(100);
    let put = 0;
    const ahead = async () => {
      for (let part = await queue.next(); part !== undefined; part = await queue.next()) {
        for (let chunk = 0; chunk < 3; chunk++) if (await queue.put(part, new Uint8Array(2 ** 20))) put++;
        queue.finish(part);
      }
    };
    const first = (await queue.next()) ?? assert.fail("there is a part");
    const reading = ahead();
    for (let turn = 0; turn < 1000; turn++) await Promise.resolve();
    assert.ok(put <= 17, `${put} MB wait`);
    queue.finish(first);
    let taken = 0;
    for await (const _ of queue.chunks()) assert.ok(put - ++taken <= 21, `${put - taken} MB wait`);
    await reading;
    assert.equal(taken, 297);
  });
});
