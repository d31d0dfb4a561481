import type { EncodeOptions } from "../contract/export.ts";
import type { Batch, Column, RowStream } from "../contract/rows.ts";
import { problem } from "../problem.ts";
import { type ArchiveFile, createArchive } from "./archive.ts";
import { cellText } from "./cell.ts";
import { noteTypes } from "./notes.ts";
import { textWidth } from "./width.ts";
import { textCell, xlsxCell } from "./xlsx-cells.ts";
import { sheetFoot, sheetHead, sheetPath, styles, workbookParts } from "./xlsx-parts.ts";

const mostRows = 1_048_576;
const mostColumns = 16_384;
/** A sheet's XML ends well before 4 GB, where the archive could not say its size. */
const mostSheetBytes = 2 ** 31;
const widest = 60;
const narrowest = 8;
const sampleRows = 1_000;

const longNumbers = "text beyond 15 digits";
const instead = {
  int: longNumbers,
  bigint: longNumbers,
  decimal: longNumbers,
  float: "NaN, Infinity and -0 are text",
  bytes: "base64 text",
  date: "text before 1900-03-01 or after 9999",
  time: "text where finer than milliseconds",
  timestamp: "text before 1900-03-01, after 9999 or where finer than milliseconds",
  timestamptz: "text",
  interval: "text",
  list: "JSON text",
} as const;

/**
 * Writes an Excel workbook: a bold, frozen header and typed cells, see `xlsxCell`. What does not fit one
 * sheet goes on in the next, under the same header.
 * @throws LIMIT_EXCEEDED for what a workbook would cut
 */
export async function* encode(rows: RowStream, options: EncodeOptions): AsyncGenerator<Uint8Array> {
  if (rows.columns.length > mostColumns) {
    throw problem("LIMIT_EXCEEDED", `The result has ${rows.columns.length} columns: a sheet holds ${mostColumns}`, "Select fewer columns");
  }
  noteTypes(rows.columns, instead, options);
  const archive = createArchive();
  const letters = rows.columns.map((_, index) => columnLetters(index));
  let head: string | undefined;
  let sheets = 0;
  let sheet: Sheet | undefined;
  const openSheet = (): Sheet => startSheet(archive.file(sheetPath(++sheets)), head ?? headOf(rows.columns, letters, undefined));
  for await (const batch of rows) {
    head ??= headOf(rows.columns, letters, batch);
    for (let row = 0; row < batch.length; row++) {
      if (sheet?.full) {
        sheet.end();
        sheet = undefined;
      }
      sheet ??= openSheet();
      sheet.row(batch, row, rows.columns, letters);
      if (archive.full) yield archive.take();
    }
  }
  (sheet ?? openSheet()).end();
  for (const [name, text] of Object.entries(workbookParts(sheets))) {
    const part = archive.file(name);
    part.write(text);
    part.end();
  }
  archive.end();
  yield archive.take();
}

interface Sheet {
  readonly full: boolean;
  row(batch: Batch, row: number, columns: readonly Column[], letters: readonly string[]): void;
  end(): void;
}

function startSheet(file: ArchiveFile, head: string): Sheet {
  let number = 1;
  file.write(head);
  return {
    get full() {
      return number === mostRows || file.bytes > mostSheetBytes;
    },
    row(batch, row, columns, letters) {
      number++;
      let cells = "";
      for (const [index, column] of columns.entries()) {
        cells += xlsxCell(batch.columns[index]?.[row], { reference: `${letters[index]}${number}`, type: column.type });
      }
      file.write(`<row r="${number}">${cells}</row>`);
    },
    end() {
      file.write(sheetFoot);
      file.end();
    },
  };
}

/** The sheet's beginning and its header row; widths come from the names and the first batch. */
function headOf(columns: readonly Column[], letters: readonly string[], first: Batch | undefined): string {
  const widths = columns.map(({ name }, index) => {
    let width = Math.max(narrowest, widthOf(name));
    for (let row = 0; row < Math.min(first?.length ?? 0, sampleRows); row++)
      width = Math.max(width, widthOf(cellText(first?.columns[index]?.[row])));
    return Math.min(width + 2, widest);
  });
  const names = columns.map(({ name }, index) => textCell(name, `${letters[index]}1`, styles.header));
  return `${sheetHead(widths)}<row r="1">${names.join("")}</row>`;
}

function widthOf(text = ""): number {
  return textWidth(text.slice(0, widest));
}

/** A, B, … Z, AA, AB, … */
function columnLetters(index: number): string {
  const rest = Math.floor(index / 26);
  return (rest > 0 ? columnLetters(rest - 1) : "") + String.fromCharCode(65 + (index % 26));
}
