import type { CatalogDetail, CatalogObject } from "../contract/catalog.ts";
import { compact, compactLine } from "./compact.ts";
import { ddl } from "./ddl.ts";
import { atDetail } from "./detail.ts";
import { mermaid } from "./mermaid.ts";
import type { SearchHit } from "./search.ts";
import { tree } from "./tree.ts";

export const encodings = ["tree", "json", "compact", "ddl", "mermaid"] as const;
export type CatalogEncoding = (typeof encodings)[number];

export interface EncodeOptions {
  readonly detail: CatalogDetail;
  /** The schema that unqualified names mean. */
  readonly defaultSchema?: string;
  /** The engine's quote character, for `ddl`; `"` when absent. */
  readonly identifierQuote?: string;
  /** True draws the tree's guides without line characters. */
  readonly ascii?: boolean;
}

const encoders: Readonly<Record<CatalogEncoding, (objects: readonly CatalogObject[], options: EncodeOptions) => string>> = {
  tree,
  json: (objects) => (objects.length === 0 ? "[]" : `[\n${objects.map((object) => JSON.stringify(object)).join(",\n")}\n]`),
  compact,
  ddl,
  mermaid: (objects, { defaultSchema }) => mermaid(objects, defaultSchema),
};

/** Writes objects as text, without anything that `detail` did not ask for and without a final newline. */
export function encode(objects: readonly CatalogObject[], encoding: CatalogEncoding, options: EncodeOptions): string {
  return encoders[encoding](
    objects.map((object) => atDetail(object, options.detail)),
    options,
  );
}

/** Search hits in the compact encoding, best first: each with the columns that matched, and `…` where it has others. */
export function encodeHits(hits: readonly SearchHit[], options: EncodeOptions): string {
  return hits.map(({ object, columns }) => compactLine(object, options, new Set(columns))).join("\n");
}
