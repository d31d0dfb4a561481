import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "node:test";
import type { Exporter } from "../../core/contract/export.ts";
import type { Column } from "../../core/contract/rows.ts";
import { formatNamed } from "../../core/export/formats.ts";
import { land } from "../../core/results/landing.ts";
import { createDuckdbDriver } from "../../plugins/duckdb/driver.ts";
import { describeExporter, type Found } from "../contract/exporter.ts";
import { toldApart } from "../contract/exporter-tables.ts";
import { readTable } from "../contract/read-duckdb.ts";

const bounds = { rows: 1e9, bytes: 1e12, until: Number.POSITIVE_INFINITY };

/** A format that is written from a kept result: what goes in has been through the landing, a file, the cage and its driver. */
function kept(exporter: Exporter): Exporter {
  return {
    ...exporter,
    async *encode(rows, options) {
      const folder = await mkdtemp(join(tmpdir(), "tidegate-kept-"));
      const path = join(folder, "kept.duckdb");
      try {
        await land({ rows }, path, bounds, options);
        await using cage = await createDuckdbDriver().cage?.([{ name: "r1", path }], { signal: options.signal, readOnly: true });
        if (cage === undefined) throw new Error("DuckDB has no cage");
        yield* exporter.encode(await cage.query("select * from r1", [], { signal: options.signal, batchSize: 2048 }), options);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

/** DuckDB reads every field as text. */
async function readCsv(path: string, columns: readonly Column[]): Promise<Found> {
  const fields = columns.map((_, index) => `c${index}: 'VARCHAR'`).join(", ");
  const how = "auto_detect=false, header=false, nullstr='', allow_quoted_nulls=false, new_line='\\n', parallel=false";
  const { rows } = await readTable(`read_csv('${path}', ${how}, columns={${fields}})`);
  const [head = [], ...rest] = rows;
  return { names: head.map((name) => name ?? ""), rows: rest };
}

const stages = "a result is kept before it is written";
const names = (given: readonly string[]) => toldApart(given, true);
describe("a kept result", () => {
  describeExporter({
    exporter: kept(formatNamed("parquet")),
    read: (path) => readTable(`read_parquet('${path}')`),
    names,
    stages,
    tables: 15,
    megabytes: 160,
  });
  describeExporter({ exporter: kept(formatNamed("csv")), read: readCsv, names, stages, tables: 15 });
});
