import type { Column } from "../contract/rows.ts";
import type { ExportReport } from "../contract/tool.ts";
import type { Compression } from "./formats.ts";

/** Who asked for a file and with what: facts an export does not know by itself. */
export interface Provenance {
  /** The statement as the caller wrote it; parameters are left out, because they may be personal. */
  readonly sql: string;
  readonly connection: string;
  readonly traceId: string;
  /** The version of tidegate. */
  readonly version: string;
}

/** What stands in `<file>.meta.json`: enough to say where a file came from and whether it is still the same. */
export interface Meta extends Provenance, Omit<ExportReport, "path"> {
  readonly schema: 1;
  readonly compression?: Compression;
  /** Absent when the engine that wrote the file does not tell. */
  readonly columns?: readonly Pick<Column, "name" | "type" | "nativeType">[];
  /** When the export began, in UTC. */
  readonly started: string;
}

/** The text of `<file>.meta.json`. */
export function metaText(facts: {
  readonly report: ExportReport;
  readonly provenance: Provenance;
  readonly started: Date;
  readonly columns: readonly Column[] | undefined;
  readonly compression: Compression | undefined;
}): string {
  const { path: _, ...report } = facts.report;
  const meta: Meta = {
    schema: 1,
    ...report,
    ...(facts.compression && { compression: facts.compression }),
    ...(facts.columns && { columns: facts.columns.map(({ name, type, nativeType }) => ({ name, type, nativeType })) }),
    started: facts.started.toISOString(),
    ...facts.provenance,
  };
  return `${JSON.stringify(meta, null, 2)}\n`;
}
