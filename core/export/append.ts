import type { EncodeOptions } from "../contract/export.ts";
import type { Column } from "../contract/rows.ts";
import type { ExportReport } from "../contract/tool.ts";
import { problem } from "../problem.ts";
import { uniqueNames } from "./cell.ts";
import { compressed } from "./compress.ts";
import { destination, present } from "./destination.ts";
import { counted, countedCsv, type Job, metaPath, reportOf, staging, streamOf } from "./job.ts";
import { type Append, type Meta, metaText, readMeta, textOf } from "./meta.ts";
import { type Place, writeFile } from "./sink.ts";
import { cannotAppend, readWhole, type Survey, survey, unchanged } from "./survey.ts";

/** A format whose rows stand one after the other, so that more can follow. */
interface Appendable {
  /** Whether a line end between double quotes is part of a value. */
  readonly quoted: boolean;
  /** Whether the first line is no row. */
  readonly header: boolean;
  /** The names as the first line has them; `undefined` when it cannot be one of this format. */
  namesIn(line: string): readonly string[] | undefined;
  namesOf(columns: readonly Column[]): readonly string[];
}

const plainNames = (columns: readonly Column[]) => columns.map(({ name }) => name);
const appendable: Readonly<Record<string, Appendable>> = {
  csv: { quoted: true, header: true, namesIn: csvFields, namesOf: plainNames },
  tsv: { quoted: false, header: true, namesIn: tsvFields, namesOf: plainNames },
  ndjson: { quoted: false, header: false, namesIn: objectKeys, namesOf: (columns) => uniqueNames(columns) },
};

/**
 * Adds rows to the end of a file that has the same columns. The file is written anew beside itself, its bytes first,
 * and takes its own place: whatever fails, and whenever, it is as it was, and its readers see all of the rows or none.
 */
export async function exportAppended(job: Job): Promise<ExportReport> {
  const { exporter, compression, request, seen } = job;
  const { to: path, signal, onProgress, meta } = request;
  const form = appendable[exporter.format];
  if (form === undefined)
    throw problem(
      "UNSUPPORTED",
      `Cannot append to a file of format ${exporter.format}`,
      `Append to one of ${Object.keys(appendable).join(", ")}, or write a new file`,
    );
  // Everything else that can be known to fail is looked at before the file is read from end to end.
  for (const each of meta ? [path, metaPath(path)] : [path]) await destination(each, { ...request, overwrite: true });
  const before = await survey(path, { compression, quoted: form.quoted, signal });
  const told = meta && (await noted(path));
  let report: ExportReport | undefined;
  const note: Place["note"] = meta && {
    path: metaPath(path),
    text(written) {
      report = total({ job, form, before, written });
      return metaAfter(job, told, before, report);
    },
  };
  const written = await writeFile({
    ...request,
    path,
    overwrite: true,
    chunks: staging(job, (options) => appended({ job, form, before }, options)),
    note,
    ready: () => unchanged(path, before),
    onBytes(bytes) {
      seen.bytes = Math.max(0, bytes - before.bytes);
      onProgress?.(seen);
    },
  });
  return report ?? total({ job, form, before, written });
}

interface Appending {
  readonly job: Job;
  readonly form: Appendable;
  readonly before: Survey;
}

function total({ job, form, before, written }: Appending & { readonly written: { bytes: number; sha256: string } }): ExportReport {
  const added = { rows: job.seen.rows, bytes: written.bytes - before.bytes };
  const rows = before.lines - (form.header ? 1 : 0) + added.rows;
  return reportOf(job, written, { rows, appended: added });
}

/** What stands beside the file. @throws CONFLICT when that is not ours to replace */
async function noted(path: string): Promise<Meta | undefined> {
  const meta = await readMeta(metaPath(path));
  if (meta === undefined && (await present(metaPath(path))))
    throw problem("CONFLICT", `File "${metaPath(path)}" is no note of an export`, "Move it away, or export without a note");
  return meta;
}

/** What made the beginning of the file is told only where the note was about the bytes that are there. */
function metaAfter({ request, seen, started, compression }: Job, told: Meta | undefined, before: Survey, report: ExportReport): string {
  const { meta: provenance } = request;
  if (provenance === undefined) return "";
  const { appended: added = { rows: 0, bytes: 0 }, seconds } = report;
  const append: Append = { ...added, seconds, started: started.toISOString(), ...provenance };
  const known = told?.sha256 === before.sha256 ? told : undefined;
  const appends = [...(known?.appends ?? []), append];
  const {
    sql: _sql,
    connection: _connection,
    traceId: _traceId,
    version: _version,
    ...now
  }: Meta = JSON.parse(metaText({ report, provenance, started, columns: seen.columns, compression }));
  return textOf({ ...now, ...known, rows: report.rows, bytes: report.bytes, sha256: report.sha256, appends });
}

/** The file as it is, and the rows after it without a header; nothing at all when the columns are other ones. */
async function* appended({ job, form, before }: Appending, options: EncodeOptions): AsyncGenerator<Uint8Array> {
  const { source, exporter, compression, seen, request } = job;
  const there = readWhole(request.to, before.bytes);
  if (exporter.format === "csv" && source.copyOut) {
    await using csv = await source.copyOut();
    seen.columns = csv.columns;
    refuseOthers(request.to, form, before, csv.columns);
    yield* there;
    yield* compressed(countedCsv(job, csv), compression);
  } else {
    await using rows = await source.rows();
    seen.columns = rows.columns;
    refuseOthers(request.to, form, before, rows.columns);
    yield* there;
    const header = await headerBytes(exporter.encode(streamOf(rows.columns, none()), options), form);
    yield* compressed(without(exporter.encode(counted(job, rows), options), header), compression);
  }
}

async function* none(): AsyncGenerator<never> {}

/** How long a header is: what the format writes when there are no rows. */
async function headerBytes(chunks: AsyncIterable<Uint8Array>, { header }: Appendable): Promise<number> {
  let bytes = 0;
  for await (const chunk of chunks) bytes += chunk.length;
  return header ? bytes : 0;
}

async function* without(chunks: AsyncIterable<Uint8Array>, first: number): AsyncGenerator<Uint8Array> {
  let left = first;
  for await (const chunk of chunks) {
    if (left < chunk.length) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

/** @throws CONFLICT that says what differs */
function refuseOthers(path: string, form: Appendable, { first }: Survey, columns: readonly Column[]): void {
  const wanted = form.namesOf(columns);
  if (first === undefined && !form.header) return;
  if (first?.endsWith("\r")) throw cannotAppend(path, "its lines end with CR LF");
  const there = form.namesIn((first ?? "").replace(/^\ufeff/, ""));
  if (there === undefined) throw cannotAppend(path, form.header ? "its first line is no header" : "its first line is no JSON object");
  const at = Array.from({ length: Math.max(there.length, wanted.length) }, (_, index) => index).find((n) => there[n] !== wanted[n]);
  if (at === undefined) return;
  const told = (name: string | undefined) => (name === undefined ? "missing" : JSON.stringify(name));
  throw problem(
    "CONFLICT",
    `Cannot append to "${path}": column ${at + 1} is ${told(there[at])} there, and ${told(wanted[at])} in the result`,
    `Select the columns of the file in their order: ${there.join(", ")}`,
  );
}

function csvFields(line: string): readonly string[] | undefined {
  const fields = [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))(?=,|$)/g)];
  const read = fields.reduce((length, [text]) => length + text.length, 0);
  return read === line.length ? fields.map(([, quoted, plain = ""]) => quoted?.replaceAll('""', '"') ?? plain) : undefined;
}

const escaped: Readonly<Record<string, string>> = { t: "\t", r: "\r", n: "\n", "\\": "\\" };

function tsvFields(line: string): readonly string[] {
  return line.split("\t").map((field) => field.replace(/\\(.)/g, (whole, letter: string) => escaped[letter] ?? whole));
}

/** In the order of the text: JavaScript puts names that are numbers first. */
function objectKeys(line: string): readonly string[] | undefined {
  try {
    const keys: string[] = [];
    const found: unknown = JSON.parse(line);
    if (typeof found !== "object" || found === null || Array.isArray(found)) return undefined;
    let depth = 0;
    for (const { 0: token } of line.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g)) {
      if (token === "{" || token === "[") depth++;
      else if (token === "}" || token === "]") depth--;
      else if (depth === 1 && token.endsWith(":")) keys.push(JSON.parse(token.replace(/\s*:$/, "")));
    }
    return keys;
  } catch {
    // No JSON: then it has no names.
    return undefined;
  }
}
