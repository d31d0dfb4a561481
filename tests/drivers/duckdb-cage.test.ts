import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Value } from "../../core/contract/rows.ts";
import { createDuckdbDriver } from "../../plugins/duckdb/driver.ts";

const signal = new AbortController().signal;

async function first(sql: string): Promise<readonly (Value | undefined)[]> {
  await using cage = await createDuckdbDriver().cage?.([], { signal, readOnly: true });
  assert.ok(cage);
  await using rows = await cage.query(sql, [], { signal, batchSize: 10 });
  for await (const { columns } of rows) return columns.map((column) => column[0]);
  return [];
}

describe("the engine stored results are read in", () => {
  it("has a bound of its own for what it puts aside on the disk", async () => {
    assert.deepEqual(await first("select current_setting('max_temp_directory_size')"), ["16.0 GiB"]);
  });

  it("does not tell whose home it runs in", async () => {
    assert.deepEqual(await first("select count(*)::int from duckdb_settings() where name like '%secret_dir%' and value <> ''"), [0]);
  });
});
