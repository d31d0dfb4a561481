import { readFile } from "node:fs/promises";
import { dirname, relative, sep } from "node:path";
import type { Column } from "../contract/rows.ts";
import type { ExportReport, WrittenFile } from "../contract/tool.ts";
import type { Compression } from "./formats.ts";
import type { Split } from "./split-size.ts";

/** Who asked for a file and with what: facts an export does not know by itself. */
export interface Provenance {
  /** The statement as the caller wrote it; parameters are left out, because they may be personal. */
  readonly sql: string;
  readonly connection: string;
  readonly traceId: string;
  /** The version of tidegate. */
  readonly version: string;
}

/** What stands in a `.meta.json`: enough to say where files came from and whether they are still the same. */
export interface Meta extends Partial<Provenance>, Extent, Omit<ExportReport, "path" | "files" | "appended"> {
  readonly schema: 1;
  readonly compression?: Compression;
  /** Absent when the engine that wrote the file does not tell. */
  readonly columns?: readonly Pick<Column, "name" | "type" | "nativeType">[];
  /** When the export began, in UTC. */
  readonly started: string;
}

/** How far beyond one new file an export reaches. */
export interface Extent {
  /** Of several: each, by its path from where this stands. `sha256` is then that of their list as `sha256sum` prints it. */
  readonly files?: readonly WrittenFile[];
  readonly split?: Split;
  readonly partitionBy?: readonly string[];
  /** What was added later, oldest first. Facts about the file as a whole are those of now; what made its beginning is told only where it is known. */
  readonly appends?: readonly Append[];
}

/** Rows that were added to a file. */
export interface Append extends Provenance {
  readonly rows: number;
  readonly bytes: number;
  readonly started: string;
  readonly seconds: number;
}

/** The text of a `.meta.json`. */
export function metaText(facts: {
  readonly report: ExportReport;
  readonly provenance: Provenance;
  readonly started: Date;
  readonly columns: readonly Column[] | undefined;
  readonly compression: Compression | undefined;
  readonly extent?: Extent;
}): string {
  const { path: _path, files: _files, appended: _appended, ...report } = facts.report;
  const meta: Meta = {
    schema: 1,
    ...report,
    ...(facts.compression && { compression: facts.compression }),
    ...(facts.columns && { columns: facts.columns.map(({ name, type, nativeType }) => ({ name, type, nativeType })) }),
    started: facts.started.toISOString(),
    ...facts.provenance,
    ...facts.extent,
  };
  return textOf(meta);
}

/** What a `.meta.json` says, as long as its form is ours; `undefined` for anything else, and for none. */
export async function readMeta(path: string): Promise<Meta | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const found: unknown = JSON.parse(text);
    return isMeta(found) ? found : undefined;
  } catch {
    // Somebody else's file of that name: nothing is known from it.
    return undefined;
  }
}

function isMeta(found: unknown): found is Meta {
  if (typeof found !== "object" || found === null) return false;
  const { schema, format, rows, bytes, sha256, files } = found as Partial<Record<keyof Meta, unknown>>;
  const isFile = (file: unknown) => typeof (file as Partial<WrittenFile> | null)?.path === "string";
  return (
    schema === 1 &&
    typeof format === "string" &&
    typeof rows === "number" &&
    typeof bytes === "number" &&
    typeof sha256 === "string" &&
    (files === undefined || (Array.isArray(files) && files.every(isFile)))
  );
}

export function textOf(meta: Meta): string {
  return `${JSON.stringify(meta, null, 2)}\n`;
}

/** Files as a `.meta.json` lists them, with the slashes that every system reads. */
export function listed(files: readonly WrittenFile[], metaPath: string): readonly WrittenFile[] {
  return files.map((file) => ({ ...file, path: relative(dirname(metaPath), file.path).replaceAll(sep, "/") }));
}
