import type { ConnectionReport, Connections } from "../connection/connections.ts";
import type { CatalogDetail, CatalogObject } from "../contract/catalog.ts";
import type { InspectInput, InspectPage } from "../contract/tool.ts";
import type { Catalogs } from "./catalog.ts";
import { encode, encodeHits } from "./encode.ts";
import { page } from "./page.ts";
import { findObject } from "./resolve.ts";
import { search } from "./search.ts";

/** One page of a description, about 2,000 tokens. */
const pageBytes = 8_000;

export type Inspect = (input: InspectInput, signal: AbortSignal) => Promise<InspectPage>;

/** Describes connections and what they hold, in the compact encoding, page by page. */
export function createInspect({ catalogs, connections }: { readonly catalogs: Catalogs; readonly connections: Connections }): Inspect {
  const describe = async (name: string, input: InspectInput, signal: AbortSignal): Promise<string> => {
    const { defaultSchema } = connections.facts(name);
    const schema = defaultSchema === undefined ? {} : { defaultSchema };
    if (input.object !== undefined) {
      const named = findObject(await catalogs.read(name, { detail: "names", signal }), input.object, defaultSchema);
      const detail = input.detail ?? "full";
      return encode(await catalogs.read(name, { detail, object: named, signal }), "compact", { detail, ...schema });
    }
    const objects = ofKind(await catalogs.read(name, { detail: input.detail === "full" ? "full" : "columns", signal }), input.kind);
    if (input.search !== undefined) {
      const hits = search(objects, input.search);
      return hits.length === 0
        ? `-- nothing matches "${input.search}"`
        : encodeHits(hits, { detail: input.detail ?? "columns", ...schema });
    }
    return listing(objects, input.detail, schema);
  };

  return async (input, signal) => {
    const [only, ...others] = connections.names;
    const name = input.connection ?? (others.length === 0 ? only : undefined);
    if (name === undefined) {
      const wanted = input.object ?? input.search;
      if (wanted !== undefined) connections.pick(undefined);
      return page(connections.reports().map(reportLine).join("\n"), {
        maxBytes: pageBytes,
        ...(input.cursor !== undefined && { cursor: input.cursor }),
      });
    }
    const text = await describe(connections.pick(name), input, signal);
    await connections.proof(name, signal);
    const shown = page(text, { maxBytes: pageBytes, ...(input.cursor !== undefined && { cursor: input.cursor }) });
    const report = connections.reports().find((entry) => entry.name === name);
    const head = input.cursor === undefined && input.object === undefined && report !== undefined ? `-- ${reportLine(report)}\n` : "";
    return { text: head + shown.text, ...(shown.cursor !== undefined && { cursor: shown.cursor }) };
  };
}

/** Everything with its columns when that fits on one page, else the names. */
function listing(
  objects: readonly CatalogObject[],
  detail: CatalogDetail | undefined,
  schema: { readonly defaultSchema?: string },
): string {
  if (objects.length === 0) return "-- no tables or views";
  if (detail !== undefined) return encode(objects, "compact", { detail, ...schema });
  const withColumns = encode(objects, "compact", { detail: "columns", ...schema });
  return Buffer.byteLength(withColumns) <= pageBytes ? withColumns : encode(objects, "compact", { detail: "names", ...schema });
}

function ofKind(objects: readonly CatalogObject[], kind: InspectInput["kind"]): readonly CatalogObject[] {
  return kind === undefined ? objects : objects.filter((object) => object.kind === kind || object.kind === `materialized ${kind}`);
}

function reportLine({ name, engine, display, state, readOnly, error }: ConnectionReport): string {
  const facts = [
    engine,
    display,
    ...(readOnly === undefined ? [state] : [`read-only ${readOnly}`]),
    ...(error === undefined ? [] : [error]),
  ];
  return `${name}: ${facts.filter((fact) => fact !== "").join(", ")}`;
}
