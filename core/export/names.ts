import { mkdir } from "node:fs/promises";
import type { RelationUse } from "../contract/analysis.ts";
import type { Exporter } from "../contract/export.ts";
import { didYouMean, problem } from "../problem.ts";
import { confinedWithFolders } from "./confine.ts";
import { diskProblem } from "./disk-problem.ts";
import { type Compression, compressionFor, formatNamed } from "./formats.ts";

/** What the name of a file can be made of. */
export interface NameFacts {
  readonly connection: string;
  /** Absent for a result of several tables, or of none. */
  readonly table: string | undefined;
  /** Absent means CSV. */
  readonly format?: string | undefined;
  readonly compress?: Compression | undefined;
  readonly formats?: readonly Exporter[];
  readonly now: Date;
}

const automatic = "{connection}-{table}-{time}.{format}";

/**
 * The path of a file: what was asked for, with its placeholders filled in; a folder, which ends with a slash or is no text at
 * all, gets a file named after its content and the moment. What fills a placeholder can be no path, nor a name that a system refuses.
 * @throws INPUT_INVALID for an unknown placeholder
 */
export function fileName(to: string, facts: NameFacts): string {
  const pattern = /(^|[/\\])$/.test(to) ? `${to}${automatic}` : to;
  const time = facts.now.toISOString().replaceAll(/[-:.]/g, "");
  const values: Readonly<Record<string, string>> = {
    connection: shortName(facts.connection),
    table: word(facts.table ?? "") || "query",
    time,
    date: facts.now.toISOString().slice(0, 10),
    format: formatNamed(facts.format ?? "csv", facts.formats).extensions[0] ?? word(facts.format ?? ""),
  };
  const path = pattern.replaceAll(/\{([a-z]+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value !== undefined) return value;
    const known = Object.keys(values);
    const hint = didYouMean(name, known) ?? `Use one of ${known.map((each) => `{${each}}`).join(", ")}`;
    throw problem("INPUT_INVALID", `Unknown placeholder "${whole}" in "${to}"`, hint);
  });
  return facts.compress === undefined || compressionFor(path) === facts.compress ? path : `${path}.${facts.compress}`;
}

/** Where a file goes: inside `within`, where that is given. A folder that `to` ends with is made, and inside `within` all of them. */
export async function exportPath({ to, within }: { readonly to: string; readonly within?: string }, facts: NameFacts): Promise<string> {
  const path = fileName(to, facts);
  if (within !== undefined) return confinedWithFolders(within, path);
  if (!/[/\\]$/.test(to)) return path;
  await mkdir(to).catch((error: NodeJS.ErrnoException) => (error.code === "EEXIST" ? undefined : diskProblem(to.slice(0, -1))(error)));
  return path;
}

/** The one table or view a statement names itself. */
export function onlyTable(relations: readonly RelationUse[] = []): string | undefined {
  const own = relations.filter(({ through, access }) => through === undefined && access === "read");
  const [first, ...others] = own;
  return others.every(({ schema, name }) => schema === first?.schema && name === first?.name) ? first?.name : undefined;
}

/** The last part of a path or URL that is a name, without what follows a point: `shop` of `postgres://db/shop` and of `data/shop.db`. */
function shortName(connection: string): string {
  const parts = connection.replace(/[?#].*$/s, "").split(/[/\\:]/);
  const names = parts.map((part) => word(part.replace(/(.)\..*$/s, "$1"))).filter((part) => /[\p{L}\p{N}]/u.test(part));
  return names.at(-1) ?? "connection";
}

const longest = 60;

/** The text as part of a file name on every system; empty when nothing is left of it. */
function word(text: string): string {
  const plain = [...text.normalize("NFC").replaceAll(/(?:[^\p{L}\p{N}_.-]|\.{2,})+/gu, "_")].slice(0, longest).join("");
  const trimmed = plain.replaceAll(/^[._-]+|[._-]+$/g, "");
  // Windows opens a device for such a name, whatever ending it has.
  return /^(con|prn|aux|nul|com\d|lpt\d)$/i.test(trimmed) ? `${trimmed}_` : trimmed;
}
