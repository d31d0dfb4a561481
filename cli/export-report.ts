import { dirname } from "node:path";
import type { ExportReport, WrittenFile } from "../core/contract/tool.ts";

/** What an export came to, in words; `name` shortens a path. What the format holds instead of a type is told here when no note beside the file tells it. */
export function exportLines(report: ExportReport, noted: boolean, name: (path: string) => string): string[] {
  const { path, rows, bytes, seconds, files, appended, notes = [] } = report;
  const size = `${counted(rows, "row")}, ${bytes} bytes`;
  const time = `in ${seconds.toFixed(2)} s`;
  const told = noted ? [] : notes.map((note) => `Note: ${note}`);
  if (appended) return [`Added ${counted(appended.rows, "row")} to ${name(path)}: it has ${size} now, ${time}`, ...told];
  if (files) return [`Wrote ${several(path, files, name)}: ${counted(files.length, "file")}, ${size} ${time}`, ...told];
  return [`Wrote ${name(path)}: ${size} ${time}`, ...told];
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** Their folder, or the first and the last of those that have no folder of their own. */
function several(path: string, files: readonly WrittenFile[], name: (path: string) => string): string {
  const [first, last] = [files[0]?.path, files.at(-1)?.path];
  if (first === undefined || last === undefined || dirname(first) !== dirname(path)) return name(path);
  return first === last ? name(first) : `${name(first)} to ${name(last)}`;
}
