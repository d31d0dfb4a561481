import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createCatalogs } from "../../core/catalog/catalog.ts";
import type { CatalogDetail, CatalogObject, CatalogRequest, ObjectName } from "../../core/contract/catalog.ts";
import { table } from "../support/catalogs.ts";

const never = new AbortController().signal;
const ask = (detail: CatalogDetail, object?: ObjectName, signal = never): CatalogRequest => ({ detail, signal, ...(object && { object }) });

/** An engine whose answers wait until they are let go. */
function engine(objects: Record<string, CatalogObject[]> = {}) {
  const reads: { connection: string; request: CatalogRequest; answer(objects?: CatalogObject[]): void; fail(error: unknown): void }[] = [];
  let open = 0;
  let clock = 0;
  const deps = {
    now: () => clock,
    async open(connection: string, signal: AbortSignal) {
      open++;
      const read = (request: CatalogRequest) =>
        new Promise<CatalogObject[]>((resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
          reads.push({ connection, request, answer: (given = objects[connection] ?? []) => resolve(given), fail: reject });
        });
      return { catalog: { read }, release: () => void open-- };
    },
  };
  const later = (millis: number) => {
    clock += millis;
  };
  return { deps, reads, later, open: () => open };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Reads and lets the engine answer if it is asked. */
async function readNow(
  source: ReturnType<typeof engine>,
  catalogs: ReturnType<typeof createCatalogs>,
  connection: string,
  request: CatalogRequest,
) {
  const before = source.reads.length;
  const result = catalogs.read(connection, request);
  await settle();
  for (const read of source.reads.slice(before)) read.answer();
  return await result;
}

const full = [
  table("a", ["x"], { schema: "s", primaryKey: ["x"], indexes: [{ name: "i", unique: false, columns: ["x"] }], definition: "create" }),
  table("b", ["y"], { schema: "s" }),
  table("b", ["z"], { schema: "t" }),
];

describe("catalogs", () => {
  it("are read once until they are 30 seconds old", async () => {
    const source = engine({ shop: full });
    const catalogs = createCatalogs(source.deps);
    await readNow(source, catalogs, "shop", ask("names"));
    source.later(30_000);
    await readNow(source, catalogs, "shop", ask("names"));
    assert.equal(source.reads.length, 1);
    source.later(1);
    await readNow(source, catalogs, "shop", ask("names"));
    assert.equal(source.reads.length, 2);
    assert.equal(source.open(), 0);
  });

  it("answer less detail, and one object, from what was read with more, without what was not asked for", async () => {
    const source = engine({ shop: full });
    const catalogs = createCatalogs(source.deps);
    await readNow(source, catalogs, "shop", ask("full"));
    const [columns] = await readNow(source, catalogs, "shop", ask("columns"));
    assert.deepEqual(Object.keys(columns ?? {}).sort(), ["columns", "kind", "name", "primaryKey", "schema"]);
    assert.deepEqual(await readNow(source, catalogs, "shop", ask("names", { schema: "t", name: "b" })), [
      { schema: "t", name: "b", kind: "table" },
    ]);
    assert.deepEqual(await readNow(source, catalogs, "shop", ask("full", { name: "a" })), [full[0]]);
    assert.equal(source.reads.length, 1);
  });

  it("ask the engine about a name that is in two schemas or in none, and remember only what was found", async () => {
    const source = engine({ shop: full });
    const catalogs = createCatalogs(source.deps);
    await readNow(source, catalogs, "shop", ask("names"));
    await readNow(source, catalogs, "shop", ask("names", { name: "b" }));
    await readNow(source, catalogs, "shop", ask("names", { name: "b" }));
    assert.equal(source.reads.length, 2);
    for (let times = 0; times < 2; times++) {
      const missing = catalogs.read("shop", ask("names", { name: "gone" }));
      await settle();
      source.reads.at(-1)?.answer([]);
      assert.deepEqual(await missing, []);
    }
    assert.equal(source.reads.length, 4);
  });

  it("share one reading among callers who ask at the same time", async () => {
    const source = engine({ shop: full });
    const catalogs = createCatalogs(source.deps);
    const both = [catalogs.read("shop", ask("columns")), catalogs.read("shop", ask("columns")), catalogs.read("other", ask("columns"))];
    await settle();
    assert.equal(source.reads.length, 2);
    for (const read of source.reads) read.answer();
    assert.deepEqual(
      (await Promise.all(both)).map((objects) => objects.length),
      [3, 3, 0],
    );
  });

  it("let one caller leave without disturbing the other, and stop the engine when the last one leaves", async () => {
    const source = engine({ shop: full });
    const catalogs = createCatalogs(source.deps);
    const [first, second, third] = [new AbortController(), new AbortController(), new AbortController()];
    const leaving = catalogs.read("shop", ask("names", undefined, first.signal));
    const staying = catalogs.read("shop", ask("names", undefined, second.signal));
    await settle();
    first.abort();
    await assert.rejects(leaving, { name: "AbortError" });
    assert.equal(source.reads[0]?.request.signal.aborted, false);
    source.reads[0]?.answer();
    assert.equal((await staying).length, 3);

    const last = catalogs.read("shop", ask("full", undefined, third.signal));
    await settle();
    third.abort(new DOMException("Too slow", "TimeoutError"));
    await assert.rejects(last, { name: "TimeoutError" });
    assert.equal(source.reads[1]?.request.signal.aborted, true);
    await settle();
    assert.equal(source.open(), 0);
    await assert.rejects(catalogs.read("shop", ask("names", undefined, AbortSignal.abort())), { name: "AbortError" });
  });

  it("start a new reading once the last caller has left, and go on with the old one for whoever comes in time", async () => {
    const source = engine({ shop: full });
    const catalogs = createCatalogs(source.deps);
    const [first, second] = [new AbortController(), new AbortController()];
    const left = catalogs.read("shop", ask("names", undefined, first.signal));
    await settle();
    first.abort();
    await assert.rejects(left, { name: "AbortError" });
    const came = catalogs.read("shop", ask("names", undefined, second.signal));
    await settle();
    assert.equal(source.reads.length, 2);
    second.abort();
    const inTime = catalogs.read("shop", ask("names"));
    await assert.rejects(came, { name: "AbortError" });
    source.reads[1]?.answer();
    assert.equal((await inTime).length, 3);
  });

  it("forget what was read, and do not keep or share a reading begun before", async () => {
    const source = engine({ shop: full });
    const catalogs = createCatalogs(source.deps);
    const old = catalogs.read("shop", ask("names"));
    await settle();
    catalogs.forget("shop");
    const young = catalogs.read("shop", ask("names"));
    await settle();
    assert.equal(source.reads.length, 2);
    source.reads[1]?.answer([]);
    source.reads[0]?.answer();
    assert.equal((await old).length, 3);
    assert.deepEqual(await young, []);
    assert.deepEqual(await readNow(source, catalogs, "shop", ask("names")), []);
    assert.equal(source.reads.length, 2);
  });

  it("hand an error to everyone who waits, release the connection and try again next time", async () => {
    const source = engine({ shop: full });
    const catalogs = createCatalogs(source.deps);
    const both = [catalogs.read("shop", ask("names")), catalogs.read("shop", ask("names"))];
    await settle();
    source.reads[0]?.fail(new RangeError("Broken"));
    for (const one of both) await assert.rejects(one, { message: "Broken" });
    assert.equal(source.open(), 0);
    assert.equal((await readNow(source, catalogs, "shop", ask("names"))).length, 3);
  });

  it("keep a bounded number of objects and columns, and drop what was not used for longest", async () => {
    const source = engine({ a: full.slice(0, 1), b: full.slice(0, 1), c: full.slice(0, 1), huge: [...full, ...full] });
    const catalogs = createCatalogs({ ...source.deps, maxKept: 4 });
    for (const connection of ["a", "b", "a", "c", "a", "b", "huge", "huge", "b"]) await readNow(source, catalogs, connection, ask("full"));
    assert.deepEqual(
      source.reads.map((read) => read.connection),
      ["a", "b", "c", "b", "huge", "huge"],
    );
  });
});
