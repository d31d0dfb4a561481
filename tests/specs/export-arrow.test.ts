import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { type DataType, Type, tableFromIPC, type Vector } from "apache-arrow";
import type { Column, Value } from "../../core/contract/rows.ts";
import { formatNamed } from "../../core/export/formats.ts";
import { bytesOf, describeExporter, type Found, streamOf } from "../contract/exporter.ts";
import { extremes, toldApart } from "../contract/exporter-tables.ts";

const losesMixtures = "an Arrow column has one type, written before its values; see the refusal below";
describeExporter({ exporter: formatNamed("arrow"), read: readArrow, names: toldApart, losesMixtures });
describeExporter({ exporter: formatNamed("arrows"), read: readArrow, names: toldApart, losesMixtures });

async function readArrow(path: string): Promise<Found> {
  const table = tableFromIPC(await readFile(path));
  const columns = table.schema.fields.map((_, index) => texts(table.getChildAt(index)));
  return {
    names: table.schema.fields.map(({ name }) => name),
    rows: Array.from({ length: table.numRows }, (_, row) => columns.map((column) => column[row] ?? null)),
  };
}

/** Reads Arrow's memory, not the reader's friendly values: those go through floats. */
function texts(vector: Vector | null): (string | null)[] {
  let before = 0;
  return (vector?.data ?? []).flatMap((data) => {
    const start = before;
    before += data.length;
    return Array.from({ length: data.length }, (_, row) =>
      data.getValid(row) ? textOf(data.type, data.values, row, () => vector?.get(start + row)) : null,
    );
  });
}

function textOf(type: DataType, values: ArrayLike<number | bigint>, row: number, friendly: () => unknown): string {
  const raw = BigInt(type.typeId === Type.Int || type.typeId === Type.Time || type.typeId === Type.Timestamp ? (values[row] ?? 0) : 0);
  switch (type.typeId) {
    case Type.Int:
      return String(raw);
    case Type.Float:
      return Object.is(values[row], -0) ? "-0" : String(values[row]);
    case Type.Decimal:
      return decimalText(
        [0, 1, 2, 3].map((word) => BigInt(values[row * 4 + word] ?? 0)),
        "scale" in type ? Number(type.scale) : 0,
      );
    case Type.Date:
      return dateText(Number(values[row]));
    case Type.Time:
      return timeText(raw);
    case Type.Timestamp: {
      const day = raw / 86_400_000_000n - (raw % 86_400_000_000n < 0n ? 1n : 0n);
      const zone = "timezone" in type && type.timezone ? "+00" : "";
      return `${dateText(Number(day))} ${timeText(raw - day * 86_400_000_000n)}${zone}`;
    }
    case Type.Binary:
      return Buffer.from(friendly() as Uint8Array).toString("base64");
    default:
      return String(friendly());
  }
}

function decimalText(words: readonly bigint[], scale: number): string {
  const unscaled = BigInt.asIntN(
    128,
    words.reduceRight((sum, word) => (sum << 32n) | word, 0n),
  );
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return unscaled < 0n ? `-${text}` : text;
}

function dateText(days: number): string {
  const date = new Date(days * 86_400_000);
  const year = date.getUTCFullYear();
  const monthDay = `${String(date.getUTCMonth() + 1).padStart(2, "0")}-${String(date.getUTCDate()).padStart(2, "0")}`;
  return year > 0 ? `${String(year).padStart(4, "0")}-${monthDay}` : `${String(1 - year).padStart(4, "0")}-${monthDay} (BC)`;
}

function timeText(micros: bigint): string {
  const seconds = Number(micros / 1_000_000n);
  const part = String(micros % 1_000_000n)
    .padStart(6, "0")
    .replace(/0+$/, "");
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
    .map((unit) => String(unit).padStart(2, "0"))
    .join(":");
  return part === "" ? clock : `${clock}.${part}`;
}

function arrow(columns: readonly Column[], rows: readonly (readonly Value[])[], batchRows = 100): Promise<Buffer> {
  return bytesOf(formatNamed("arrow"), streamOf({ columns, rows }, batchRows));
}

describe("arrow", () => {
  it("keeps types, not only values, and the engine's own type names", async () => {
    const { schema } = tableFromIPC(await arrow(extremes.columns, extremes.rows));
    assert.deepEqual(
      schema.fields.map(({ type }) => String(type)),
      [
        "Bool",
        "Int64",
        "Int64",
        "Uint64",
        "Decimal[38e0]",
        "Float64",
        "Float64",
        "Float64",
        "Decimal[38e+10]",
        "Utf8",
        "Utf8",
        "Utf8",
        "Binary",
        "Date32<DAY>",
        "Time64<MICROSECOND>",
        "Timestamp<MICROSECOND>",
        "Timestamp<MICROSECOND, UTC>",
        "Utf8",
        "Utf8",
        "Utf8",
        "Utf8",
        "Utf8",
      ],
    );
    assert.deepEqual(
      schema.fields.map(({ metadata }) => metadata.get("nativeType")),
      extremes.columns.map(({ nativeType }) => nativeType),
    );
  });

  it("begins and ends like an Arrow file, with a batch for each batch", async () => {
    const bytes = await arrow([{ name: "n", type: "int", nativeType: "" }], [[1], [2], [3]], 2);
    assert.equal(bytes.subarray(0, 6).toString(), "ARROW1");
    assert.equal(bytes.subarray(-6).toString(), "ARROW1");
    assert.deepEqual(
      tableFromIPC(bytes).batches.map(({ numRows }) => numRows),
      [2, 1],
    );
  });

  it("turns an instant with an offset into the same instant", async () => {
    const bytes = await arrow([{ name: "t", type: "timestamptz", nativeType: "" }], [["2024-01-01 05:30:00+05:30"]]);
    assert.equal(tableFromIPC(bytes).getChildAt(0)?.data[0]?.values[0], BigInt(Date.UTC(2024, 0, 1)) * 1000n);
  });

  it("refuses a later value that does not fit, and says which", async () => {
    const columns: Column[] = [{ name: "amount", type: "int", nativeType: "INTEGER" }];
    await assert.rejects(arrow(columns, [[1], [2], ["three"]], 2), {
      code: "UNSUPPORTED",
      message: 'Column "amount" is Int64 in Arrow, and row 3 holds a value of another type',
    });
  });
});
