import type { ConnectionReport, Connections } from "../connection/connections.ts";
import type { CatalogDetail, CatalogObject, ObjectName } from "../contract/catalog.ts";
import type { InspectInput, InspectPage } from "../contract/tool.ts";
import type { Catalogs } from "./catalog.ts";
import { encode, encodeHits } from "./encode.ts";
import { visibleText } from "./name.ts";
import { page } from "./page.ts";
import { isRelation } from "./relation.ts";
import { findObject } from "./resolve.ts";
import { search } from "./search.ts";

/** One page of a description, about 2,000 tokens. */
const pageBytes = 8_000;

export type Inspect = (input: InspectInput, signal: AbortSignal) => Promise<InspectPage>;

/** Describes connections and what they hold, in the compact encoding, page by page. */
export function createInspect({
  catalogs,
  connections,
}: {
  readonly catalogs: Pick<Catalogs, "read">;
  readonly connections: Pick<Connections, "names" | "facts" | "pick" | "proof" | "reports">;
}): Inspect {
  const describe = async (name: string, input: InspectInput, signal: AbortSignal): Promise<string> => {
    const { defaultSchema } = connections.facts(name);
    const schema = defaultSchema === undefined ? {} : { defaultSchema };
    if (input.object !== undefined) {
      const named = findObject(ofKind(await catalogs.read(name, { detail: "names", signal }), input.kind), input.object, defaultSchema);
      const detail = input.detail ?? "full";
      const found = ofKind(await catalogs.read(name, { detail, object: named, signal }), input.kind);
      return found.map((object) => withDefinition(object, encode([object], "compact", { detail, ...schema }))).join("\n");
    }
    const objects = ofKind(await catalogs.read(name, { detail: input.detail === "full" ? "full" : "columns", signal }), input.kind);
    if (input.search !== undefined) {
      const hits = search(objects, input.search);
      return hits.length === 0
        ? `-- nothing matches "${input.search}"`
        : encodeHits(hits, { detail: input.detail ?? "columns", ...schema });
    }
    if (objects.length === 0) return input.kind === undefined ? "-- no tables or views" : `-- no ${input.kind}`;
    if (input.kind !== undefined) return listing(objects, input.detail, schema);
    const { shown, others } = overview(objects);
    return [...others, ...(shown.length > 0 ? [listing(shown, input.detail, schema)] : [])].join("\n");
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

/** Tables and views, and how many other things there are: those would take the room of what most people look for. */
function overview(objects: readonly CatalogObject[]): { readonly shown: readonly CatalogObject[]; readonly others: readonly string[] } {
  const keyOf = ({ schema, name }: ObjectName) => JSON.stringify([schema, name]);
  const relations = new Set(objects.filter(isRelation).map(keyOf));
  const classes = Map.groupBy(objects, (object) => {
    if (!isRelation(object)) return object.kind;
    return object.partitionOf !== undefined && relations.has(keyOf(object.partitionOf)) ? "partition" : "shown";
  });
  const shown = classes.get("shown") ?? [];
  classes.delete("shown");
  const counts = [...classes].map(([what, { length }]) => `${length} ${what}${length === 1 ? "" : "s"}`);
  return { shown, others: counts.length === 0 ? [] : [`-- not shown: ${counts.join(", ")}; pass kind to see them`] };
}

/** The text of what is no table: its line tells too little. A table's line tells all. */
function withDefinition({ kind, definition }: CatalogObject, line: string): string {
  return kind === "table" || !definition?.trim() ? line : `${line}\n${visibleText(definition.trim())}`;
}

/** Everything with its columns when that fits on one page, else the names; what has no columns is told whole. */
function listing(
  objects: readonly CatalogObject[],
  detail: CatalogDetail | undefined,
  schema: { readonly defaultSchema?: string },
): string {
  if (detail !== undefined) return encode(objects, "compact", { detail, ...schema });
  const withColumns = encode(objects, "compact", { detail: "columns", ...schema });
  return Buffer.byteLength(withColumns) <= pageBytes || !objects.some(isRelation)
    ? withColumns
    : encode(objects, "compact", { detail: "names", ...schema });
}

/** Objects of one kind; a materialized view is a view. */
export function ofKind(objects: readonly CatalogObject[], kind: InspectInput["kind"]): readonly CatalogObject[] {
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
