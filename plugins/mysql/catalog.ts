import type { CatalogObject, CatalogRequest } from "../../core/contract/catalog.ts";
import { byTable, described, type Found, named, type Row, routine } from "./catalog/objects.ts";
import { type CatalogQueries, catalogQueries, quoted } from "./catalog/queries.ts";
import type { Session } from "./session.ts";

/** Reads the information schema in one round trip; a single table also shows the statement that makes it. */
export async function readCatalog(session: Session, request: CatalogRequest): Promise<CatalogObject[]> {
  const queries = catalogQueries(request, session);
  const names = Object.keys(queries) as (keyof CatalogQueries)[];
  const results = await session.texts(request.signal, ...names.map((name) => queries[name] ?? ""));
  const rowsOf = (name: keyof CatalogQueries): readonly Row[] => results[names.indexOf(name)] ?? [];
  const objects = rowsOf("objects").map(named);
  const routines = rowsOf("routines").map(routine);
  const found: Found = {
    columns: byTable(rowsOf("columns")),
    indexes: byTable(rowsOf("indexes")),
    foreignKeys: byTable(rowsOf("foreignKeys")),
    checks: byTable(rowsOf("checks")),
    views: byTable(rowsOf("views")),
  };
  const full = request.detail === "full";
  const whole =
    request.detail === "names" ? objects : objects.map((object) => described(object, found, { full, isMariaDb: session.isMariaDb }));
  const [only, ...others] = whole;
  const defined = full && request.object !== undefined && only?.kind === "table" && others.length === 0;
  return [...(defined && only ? [await withDefinition(session, only, request.signal)] : whole), ...routines].sort(bySchemaAndName);
}

async function withDefinition(session: Session, object: CatalogObject, signal: AbortSignal): Promise<CatalogObject> {
  const [[row] = []] = await session.texts(signal, `show create table ${quoted(object.schema ?? "")}.${quoted(object.name)}`);
  return { ...object, ...(row?.[1] && { definition: row[1] }) };
}

function bySchemaAndName(a: CatalogObject, b: CatalogObject): number {
  const order = (one = "", other = "") => (one < other ? -1 : one > other ? 1 : 0);
  return order(a.schema, b.schema) || order(a.name, b.name);
}
