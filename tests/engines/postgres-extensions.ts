import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Connection } from "../../core/contract/driver.ts";
import { createPostgresDriver } from "../../plugins/postgres/driver.ts";
import { answer, cellOf, never, rejection, rowsOf } from "../contract/driver/bench.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../support/services-postgres.ts";

const bin = findPostgres();
const driver = createPostgresDriver();

const schema = `
  create extension vector; create extension postgis;
  create table place (id int primary key, name text, at geometry(Point, 4326), area geography, halves halfvec(2), sparse sparsevec(5), embedding vector(3), seen geometry[]);
  create index place_near on place using hnsw (embedding vector_l2_ops);
  create index place_at on place using gist (at);
  insert into place values
    (1, 'a', 'SRID=4326;POINT(1 -2.5)', 'POLYGON((0 0,0 1,1 1,0 0))', '[1,-0.5]', '{1:1.5,5:-2}/5', '[1,2.5,-3e-7]', array[st_makepoint(1, 2), null]),
    (2, 'b', null, null, null, null, null, null),
    (3, 'c', 'SRID=4326;POINT EMPTY', 'POINT(180 90)', '[65504,0]', '{}/5', '[0,0,1]', '{}');
`;

describe("driver postgres, with pgvector and PostGIS", () => {
  let server: PostgresServer;
  before(async () => {
    if (typeof bin !== "string") throw new Error(bin.absent);
    server = await startPostgres(bin);
    server.psql(schema);
    server.psql("create role reader login password 'r'; grant select on all tables in schema public to reader");
  });
  after(() => server?.stop());
  const open = (): Promise<Connection> =>
    driver.connect(server.target("postgres", { user: "reader", password: { reveal: () => "r" } }), { signal: never, readOnly: true });

  it("reads their values as the text that psql shows, exactly", async () => {
    await using connection = await open();
    const { columns, rows } = await answer(connection, "select embedding, halves, sparse, at, area from place order by id");
    assert.deepEqual(rows, [
      [
        "[1,2.5,-3e-07]",
        "[1,-0.5]",
        "{1:1.5,5:-2}/5",
        "0101000020E6100000000000000000F03F00000000000004C0",
        server.psql("select area from place where id = 1"),
      ],
      [null, null, null, null, null],
      [
        "[0,0,1]",
        "[65504,0]",
        "{}/5",
        server.psql("select at from place where id = 3"),
        server.psql("select area from place where id = 3"),
      ],
    ]);
    assert.deepEqual(
      columns.map(({ type, nativeType }) => `${type} ${nativeType}`),
      ["text vector(3)", "text halfvec(2)", "text sparsevec(5)", "text geometry(Point,4326)", "text geography"],
    );
  });

  it("reads arrays whose items are not parted by commas", async () => {
    await using connection = await open();
    const found = await rowsOf(connection, "select seen from place order by id");
    assert.deepEqual(found, [[[server.psql("select st_makepoint(1, 2)"), null]], [null], [[]]]);
  });

  it("finds neighbours by a bound vector, and asks PostGIS for distances", async () => {
    await using connection = await open();
    assert.deepEqual(await rowsOf(connection, "select id from place order by embedding <-> $1 limit 1", ["[1,2,0]"]), [[1]]);
    assert.deepEqual(await rowsOf(connection, "select id from place where embedding <=> $1::vector < 0.1", ["[0,0,2]"]), [[3]]);
    assert.equal(await cellOf(connection, "select st_distance(at, st_setsrid(st_makepoint(1, 0), 4326)) from place where id = 1"), 2.5);
    assert.equal(await cellOf(connection, "select st_astext(at) from place where id = 1"), "POINT(1 -2.5)");
  });

  it("copies out what it reads", async () => {
    await using connection = await open();
    const sql = "select id, embedding, at, sparse from place order by id";
    await using stream = await connection.copyOut?.(sql, [], { signal: never, batchSize: 10 });
    assert.ok(stream);
    const parts: Uint8Array[] = [];
    for await (const bytes of stream) parts.push(bytes);
    const lines = Buffer.concat(parts).toString().trim().split("\n");
    assert.equal(lines.length, 3);
    assert.equal(lines[0], '1,"[1,2.5,-3e-07]",0101000020E6100000000000000000F03F00000000000004C0,"{1:1.5,5:-2}/5"');
    assert.match(lines[1] ?? "", /^2,,,$/);
  });

  it("knows their types and indexes in the catalog, and the extensions with their versions", async () => {
    await using connection = await open();
    const objects = await connection.catalog.read({ detail: "full", signal: never });
    const place = objects.find(({ name }) => name === "place");
    assert.deepEqual(
      place?.columns?.slice(2).map(({ nativeType }) => nativeType),
      ["geometry(Point,4326)", "geography", "halfvec(2)", "sparsevec(5)", "vector(3)", "geometry[]"],
    );
    assert.deepEqual(place?.indexes?.map(({ name }) => name).sort(), ["place_at", "place_near", "place_pkey"]);
    const extensions = objects.filter(({ kind }) => kind === "extension").map(({ name }) => name);
    assert.ok(
      ["vector", "postgis"].every((name) => extensions.includes(name)),
      extensions.join(),
    );
    // Hundreds of functions belong to them, and none of those to the schema's owner.
    assert.deepEqual(
      objects.filter(({ kind }) => kind === "routine"),
      [],
    );
  });

  it("refuses their functions that change something", async () => {
    await using connection = await open();
    for (const sql of ["select postgis_extensions_upgrade()", "select addgeometrycolumn('place', 'more', 4326, 'POINT', 2)"])
      assert.equal(driver.diagnose(await rejection(rowsOf(connection, sql)))?.code, "POLICY_DENIED", sql);
    assert.equal(server.psql("select count(*) from information_schema.columns where table_name = 'place' and column_name = 'more'"), "0");
  });
});
