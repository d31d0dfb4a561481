import { type Dirent, readdirSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import type { PathFacts } from "../../../core/contract/driver.ts";

/** The table function that reads a kind of file. */
export type Reader = "read_csv" | "read_json" | "read_parquet";

/** One view over data files: all of one kind, read together. */
export interface FileView {
  readonly name: string;
  readonly reader: Reader;
  readonly paths: readonly string[];
  /** How many rows there were when the files were first looked at, where that is cheap to know. */
  readonly rows?: number;
}

const readers: Readonly<Record<string, Reader>> = {
  csv: "read_csv",
  tsv: "read_csv",
  json: "read_json",
  ndjson: "read_json",
  jsonl: "read_json",
  parquet: "read_parquet",
};

export function claims({ kind, header, path }: PathFacts): boolean {
  if (kind === "folder" || kind === "memory") return true;
  if (kind === "file") return isDatabase(header) || readerOf(path) !== undefined;
  return kind === "glob";
}

/** DuckDB writes its magic after an eight-byte checksum. */
export function isDatabase(header: Uint8Array): boolean {
  return Buffer.from(header.subarray(8, 12)).toString("latin1") === "DUCK";
}

/** Which function reads a file of this name. Parquet compresses by itself, so only text formats may end in `.gz` or `.zst`. */
export function readerOf(path: string): Reader | undefined {
  const [, extension = "", packed] = /\.([a-z]+)(\.gz|\.zst)?$/i.exec(basename(path)) ?? [];
  const reader = readers[extension.toLowerCase()];
  return packed && reader === "read_parquet" ? undefined : reader;
}

export function isGlob(path: string): boolean {
  return /[*?[{]/.test(path);
}

/** The patterns without braces that one with braces stands for: `{a,b}.csv` is `a.csv` and `b.csv`. */
export function unbraced(pattern: string): string[] {
  const [braces, choices = ""] = /\{([^{}]*,[^{}]*)\}/.exec(pattern) ?? [];
  if (braces === undefined) return [pattern];
  return choices.split(",").flatMap((choice) => unbraced(pattern.replace(braces, () => choice)));
}

/**
 * One view per readable file of a folder, named after it: `2024-01.csv` is `_2024_01`, so that the name needs no
 * quotes. Subfolders are left alone: a glob names them on purpose.
 */
export function viewsOfFolder(folder: string): FileView[] {
  const isFile = (entry: Dirent) => entry.isFile() || entry.isSymbolicLink();
  const paths = readdirSync(folder, { withFileTypes: true })
    .filter(isFile)
    .map(({ name }) => join(folder, name));
  return viewsOfFiles(withoutSidecars(paths).sort());
}

/**
 * One view per file, named after it. Where files in several folders share a name, the folder's goes before:
 * `2024/sales.csv` and `2025/sales.csv` are `_2024_sales` and `_2025_sales`.
 */
export function viewsOfFiles(paths: readonly string[]): FileView[] {
  const alike = Map.groupBy(paths, (path) => identifier(stem(basename(path))).toLowerCase());
  const apart = (path: string) =>
    new Set(alike.get(identifier(stem(basename(path))).toLowerCase())?.map((other) => dirname(other))).size > 1;
  return views(
    paths.map((path) => ({ paths: [path], wanted: `${apart(path) ? `${basename(dirname(path))}_` : ""}${stem(basename(path))}` })),
  );
}

/**
 * The view over all files a glob matched, beside the view of each: called after the fixed part of the pattern, so that
 * `sales-*.csv` is `sales` and `data/*.csv` is `data`, or `data_all` where a file is called so.
 */
export function viewOfAll(pattern: string, each: readonly FileView[]): FileView | undefined {
  const [first, ...others] = each;
  if (first === undefined || others.length === 0 || others.some(({ reader }) => reader !== first.reader)) return undefined;
  const taken = new Set(each.map(({ name }) => name.toLowerCase()));
  return { name: unique(identifier(globStem(pattern)), "all", taken), reader: first.reader, paths: each.flatMap(({ paths }) => paths) };
}

/** Leaves out the files that tell where an exported file beside them came from. */
export function withoutSidecars(paths: readonly string[]): string[] {
  const present = new Set(paths);
  // A file split into several has one for all of them: `a.csv.meta.json` beside `a-0001.csv`.
  const split = new Set(paths.map((path) => path.replace(/-\d{4,}(\.[^/\\]*)$/, "$1")));
  return paths.filter((path) => {
    const described = /^(.*[/\\])?([^/\\]*)\.meta\.json$/.exec(path);
    if (described === null) return true;
    const [, folder = "", name = ""] = described;
    return name !== "" && !present.has(folder + name) && !split.has(folder + name);
  });
}

export function viewOfFile(path: string): FileView[] {
  return views([{ paths: [path], wanted: stem(basename(path)) }]);
}

function views(wishes: readonly { readonly paths: readonly string[]; readonly wanted: string }[]): FileView[] {
  const taken = new Set<string>();
  return wishes.flatMap(({ paths, wanted }) => {
    const reader = readerOf(paths[0] ?? "");
    return reader === undefined ? [] : [{ name: unique(identifier(wanted), reader.slice("read_".length), taken), reader, paths }];
  });
}

/** `a.csv` and `a.json` become `a` and `a_json`; the engine does not tell `a` from `A`. */
function unique(name: string, kind: string, taken: Set<string>): string {
  let free = name;
  for (let n = 1; taken.has(free.toLowerCase()); n++) free = n === 1 ? `${name}_${kind}` : `${name}_${kind}_${n}`;
  taken.add(free.toLowerCase());
  return free;
}

function identifier(text: string): string {
  const safe = text.replace(/[^\p{L}\p{N}_]+/gu, "_").replace(/^_+|_+$/g, "");
  return safe === "" ? "data" : /^\p{N}/u.test(safe) ? `_${safe}` : safe;
}

function stem(name: string): string {
  return name.replace(/\.(gz|zst)$/i, "").replace(/\.[a-z]+$/i, "");
}

function globStem(pattern: string): string {
  const fixed = stem(basename(pattern)).replace(/\[[^\]]*\]|\{[^}]*\}|[*?]/g, "");
  if (identifier(fixed) !== "data" || fixed === "data") return fixed;
  const above = dirname(pattern)
    .split(sep)
    .filter((part) => part !== "" && !isGlob(part));
  return above.at(-1) ?? "";
}
