import { binaryCharset, type ColumnDefinition, columnFlag, typeCode } from "../wire/definition.ts";

/** How a cell of the binary protocol is laid out, and what it becomes. */
export const cellKind = {
  int8: 0,
  uint8: 1,
  int16: 2,
  uint16: 3,
  int32: 4,
  uint32: 5,
  int64: 6,
  uint64: 7,
  float: 8,
  double: 9,
  date: 10,
  moment: 11,
  time: 12,
  text: 13,
  bytes: 14,
  bit: 15,
  geometry: 16,
} as const;

export type CellKind = (typeof cellKind)[keyof typeof cellKind];

/** One column as the readers of rows need it. */
export interface CellShape {
  readonly kind: CellKind;
  /** Digits after the second, when the column says how many; -1 when it does not. */
  readonly decimals: number;
  readonly name: string;
}

const sized: Readonly<Record<number, readonly [signed: CellKind, unsigned: CellKind]>> = {
  [typeCode.tiny]: [cellKind.int8, cellKind.uint8],
  [typeCode.short]: [cellKind.int16, cellKind.uint16],
  [typeCode.year]: [cellKind.uint16, cellKind.uint16],
  [typeCode.int24]: [cellKind.int32, cellKind.uint32],
  [typeCode.long]: [cellKind.int32, cellKind.uint32],
  [typeCode.longlong]: [cellKind.int64, cellKind.uint64],
};

const single: Readonly<Record<number, CellKind>> = {
  [typeCode.float]: cellKind.float,
  [typeCode.double]: cellKind.double,
  [typeCode.date]: cellKind.date,
  [typeCode.datetime]: cellKind.moment,
  [typeCode.timestamp]: cellKind.moment,
  [typeCode.time]: cellKind.time,
  [typeCode.bit]: cellKind.bit,
  [typeCode.geometry]: cellKind.geometry,
  [typeCode.decimal]: cellKind.text,
  [typeCode.newDecimal]: cellKind.text,
  [typeCode.json]: cellKind.text,
};

export function cellShape({ type, flags, charset, decimals, name }: ColumnDefinition): CellShape {
  const kind = sized[type]?.[(flags & columnFlag.unsigned) === 0 ? 0 : 1] ?? single[type];
  return { kind: kind ?? (charset === binaryCharset ? cellKind.bytes : cellKind.text), decimals: decimals <= 6 ? decimals : -1, name };
}
