import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import fc from "fast-check";
import type { EncodeOptions, Exporter } from "../../core/contract/export.ts";
import type { Batch, Column, RowStream, Value } from "../../core/contract/rows.ts";
import { numbers } from "./exporter-memory.ts";
import { anyTable, extremes, oddNames, type Table, textOf } from "./exporter-tables.ts";

/** What a reader that shares no code with the exporter found: names, and every value as text. */
export interface Found {
  readonly names: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

export interface ExporterFixture {
  readonly exporter: Exporter;
  /** Reads the file back with another program or library. */
  read(path: string, columns: readonly Column[]): Promise<Found>;
  /** The names as the format keeps them; absent means unchanged. */
  readonly names?: (names: readonly string[]) => readonly string[];
  /** Why a column cannot hold values of several types in later batches. */
  readonly losesMixtures?: string;
  /** Why a column cannot hold a value of another type than it declares. */
  readonly refusesMisfits?: string;
  /** What is compared of a value's text, written and read: for what the format has no place for. Absent means all of it. */
  readonly values?: (text: string, column: Column) => string;
  /** Why not a byte is written before the last row is there. */
  readonly stages?: string;
  /** Why a result without rows loses its columns, where the format has no place for them. */
  readonly losesColumns?: string;
  /** Megabytes that two million rows may take beyond a tenth of them, where an engine has a limit of its own. */
  readonly megabytes?: number;
  /** How many tables are tried; absent means 40. */
  readonly tables?: number;
}

/** A stream over rows in memory, and whether its reader let it go. */
export function streamOf({ columns, rows }: Table, batchRows = 3): RowStream & { readonly state: { read: number; ended: boolean } } {
  const state = { read: 0, ended: false };
  return {
    columns,
    state,
    async *[Symbol.asyncIterator]() {
      try {
        for (let at = 0; at < rows.length; at += batchRows) {
          const slice = rows.slice(at, at + batchRows);
          state.read += slice.length;
          yield { length: slice.length, columns: columns.map((_, index) => slice.map((row) => row[index] ?? null)) };
        }
      } finally {
        state.ended = true;
      }
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** What an exporter writes for these rows. */
export async function bytesOf(exporter: Exporter, rows: RowStream, options: Partial<EncodeOptions> = {}): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const defaults = { signal: new AbortController().signal, tempFolder: tmpdir() };
  for await (const chunk of exporter.encode(rows, { ...defaults, ...options })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Rows of a source that is read on and on. */
const mostRows = 1_000_000;

/** Runs the suite every exporter passes: what goes in comes out, through a reader of its own. */
export function describeExporter(fixture: ExporterFixture): void {
  const { exporter, names: kept = (names) => names, values: compared = (text) => text } = fixture;
  let folder = "";
  const never = new AbortController().signal;
  const options = () => ({ signal: never, tempFolder: folder });

  const roundTrip = async (table: Table, batchRows?: number): Promise<Found> => {
    const path = join(folder, `out.${exporter.format}`);
    await writeFile(path, await bytesOf(exporter, streamOf(table, batchRows), options()));
    return fixture.read(path, table.columns);
  };
  const survives = async (table: Table, batchRows?: number) => {
    const found = await roundTrip(table, batchRows);
    const same = (text: string | null, index: number) => {
      const column = table.columns[index];
      return text === null || !column ? text : compared(text, column);
    };
    assert.deepEqual(
      found.rows.map((row) => row.map(same)),
      table.rows.map((row) => row.map(textOf).map(same)),
    );
    if (table.rows.length > 0) assert.deepEqual(found.names, kept(table.columns.map(({ name }) => name)));
  };

  describe(exporter.format, () => {
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), "tidegate-exporter-"));
    });
    after(() => rm(folder, { recursive: true }));

    it("keeps every type at its extremes", () => survives(extremes, extremes.rows.length));

    it("keeps any table, however it is cut into batches", { timeout: 60_000 }, () =>
      fc.assert(
        fc.asyncProperty(anyTable(fixture.losesMixtures === undefined), fc.integer({ min: 1, max: 9 }), (table, batchRows) =>
          survives(table, batchRows),
        ),
        { numRuns: fixture.tables ?? 40 },
      ),
    );

    it("keeps NULL and empty text apart in a single column", () =>
      survives({ columns: [{ name: "only", type: "text", nativeType: "TEXT" }], rows: [[null], [""], [null], ["x"], [null]] }));

    it("keeps values that are not what their column declares", { skip: fixture.refusesMisfits ?? false }, () => {
      const columns: Column[] = [
        { name: "n", type: "int", nativeType: "INTEGER" },
        { name: "d", type: "date", nativeType: "DATE" },
        { name: "b", type: "boolean", nativeType: "BOOLEAN" },
        { name: "u", type: "unknown", nativeType: "" },
      ];
      const rows: Value[][] = [
        [1, "2024-02-29", true, 1],
        [1.5, "soon", 1, "1"],
        ["many", 20240229, "yes", new Uint8Array([1])],
        [9223372036854775807n, null, null, 2n ** 70n],
      ];
      return survives({ columns, rows }, rows.length);
    });

    it("keeps repeated, empty and odd names apart", () => {
      return survives({
        columns: oddNames.map((name) => ({ name, type: "int", nativeType: "INTEGER" })),
        rows: [oddNames.map((_, index) => index)],
      });
    });

    it("keeps the columns of a result without rows", { skip: fixture.losesColumns ?? false }, async () => {
      const found = await roundTrip({ columns: extremes.columns, rows: [] });
      assert.deepEqual(found.rows, []);
      assert.deepEqual(found.names, kept(extremes.columns.map(({ name }) => name)));
    });

    it("writes its first bytes before the last row is there", { skip: fixture.stages ?? false }, async () => {
      const rows = endless();
      let first = 0;
      for await (const chunk of exporter.encode(rows, options())) {
        first = chunk.length;
        break;
      }
      assert.ok(first > 0 && rows.state.read < mostRows, `${rows.state.read} rows were read for ${first} bytes`);
    });

    it("stops the source when its reader leaves early", async () => {
      const rows = endless();
      for await (const _ of exporter.encode(rows, options())) if (rows.state.read > 0) break;
      // A format that stages rows has read a finite source to its end; an endless one never gets this far.
      assert.ok(rows.state.ended);
    });

    it("passes on what the source throws, and lets the source go", async () => {
      const failure = new Error("the engine stopped");
      const rows = {
        ...streamOf(extremes),
        ended: false,
        async *[Symbol.asyncIterator](): AsyncGenerator<Batch> {
          try {
            yield { length: 1, columns: extremes.columns.map((_, index) => [extremes.rows[0]?.[index] ?? null]) };
            throw failure;
          } finally {
            this.ended = true;
          }
        },
      };
      const encode = async () => {
        for await (const _ of exporter.encode(rows, options()));
      };
      await assert.rejects(encode, failure);
      assert.ok(rows.ended);
    });

    it("stops when it is told to", async () => {
      const caller = new AbortController();
      const encode = async () => {
        const rows = streamOf(extremes);
        caller.abort(new Error("enough"));
        for await (const _ of exporter.encode(rows, { ...options(), signal: caller.signal }));
      };
      await assert.rejects(encode, /enough/);
    });

    it("writes two million rows in flat memory", { timeout: 300_000 }, async () => {
      const script = join(import.meta.dirname, "exporter-memory.ts");
      const run = "Deno" in globalThis ? ["run", "--allow-all", "--no-check", script] : [script];
      const { stdout } = await promisify(execFile)(process.execPath, [...run, exporter.format]);
      // Buffered, it is 200 MB; V8 collects later than JavaScriptCore.
      assert.ok(Number(stdout) <= (fixture.megabytes ?? 64) + ("Deno" in globalThis ? 96 : 0), `grew by ${stdout.trim()} MB`);
    });
  });

  /** Enough rows to fill any first chunk. */
  function endless() {
    const state = { read: 0, ended: false };
    const source = numbers(mostRows);
    return {
      ...source,
      state,
      async *[Symbol.asyncIterator]() {
        try {
          for await (const batch of source) {
            state.read += batch.length;
            yield batch;
          }
        } finally {
          state.ended = true;
        }
      },
    };
  }
}
