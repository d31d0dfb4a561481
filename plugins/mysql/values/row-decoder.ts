import type { Value } from "../../../core/contract/rows.ts";
import type { ColumnDefinition } from "../wire/definition.ts";
import { BinaryRow } from "./binary-row.ts";
import { bitValue, geometryBytes, textValue } from "./cell.ts";
import { type CellShape, cellKind } from "./cell-kind.ts";
import { dateText, momentText, timeText } from "./moments.ts";

/** Reads binary rows into columns of values. */
export class RowDecoder {
  readonly #row: BinaryRow;

  constructor(definitions: readonly ColumnDefinition[]) {
    this.#row = new BinaryRow(definitions);
  }

  /** Adds the row that starts at `start` to the columns. */
  read(bytes: Buffer, start: number, columns: readonly Value[][]): void {
    const row = this.#row;
    row.begin(start);
    for (let index = 0; index < row.shapes.length; index++) {
      const shape = row.shapes[index] as CellShape;
      columns[index]?.push(row.isNull(bytes, index) ? null : (row.number(bytes, shape.kind) ?? this.#sized(bytes, shape)));
    }
  }

  #sized(bytes: Buffer, { kind, decimals, name }: CellShape): Value {
    const length = this.#row.length(bytes);
    const { at } = this.#row;
    this.#row.at = at + length;
    switch (kind) {
      case cellKind.text:
        return textValue(bytes, at, at + length, name);
      case cellKind.date:
        return dateText(bytes, at, length);
      case cellKind.moment:
        return momentText(bytes, at, length, decimals);
      case cellKind.time:
        return timeText(bytes, at, length, decimals);
      case cellKind.bit:
        return bitValue(bytes, at, length);
      case cellKind.geometry:
        return geometryBytes(bytes, at, length);
      default:
        return new Uint8Array(bytes.subarray(at, at + length));
    }
  }
}
