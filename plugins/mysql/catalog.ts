import type { CatalogObject, CatalogRequest } from "../../core/contract/catalog.ts";
import { byObject, described, type Found, keyOf, named, order, type Row } from "./catalog/objects.ts";
import { type CatalogQueries, catalogQueries, quoted } from "./catalog/queries.ts";
import { routine } from "./catalog/routines.ts";
import type { Session } from "./session.ts";

/** Reads the information schema in one round trip; a single table also shows the statement that makes it. */
export async function readCatalog(session: Session, request: CatalogRequest): Promise<CatalogObject[]> {
  const queries = catalogQueries(request, session);
  const names = Object.keys(queries) as (keyof CatalogQueries)[];
  const results = await session.texts(request.signal, ...names.map((name) => queries[name] ?? ""));
  const rowsOf = (name: keyof CatalogQueries): readonly Row[] => results[names.indexOf(name)] ?? [];
  const objects = rowsOf("objects").map(named);
  const parameters = byObject(rowsOf("parameters"));
  const routines = rowsOf("routines").map((row) =>
    routine(row, request.detail === "names" ? undefined : (parameters.get(keyOf(row)) ?? [])),
  );
  const found: Found = {
    columns: byObject(rowsOf("columns")),
    indexes: byObject(rowsOf("indexes")),
    foreignKeys: byObject(rowsOf("foreignKeys")),
    checks: byObject(rowsOf("checks")),
    views: byObject(rowsOf("views")),
  };
  const full = request.detail === "full";
  const whole =
    request.detail === "names" ? objects : objects.map((object) => described(object, found, { full, isMariaDb: session.isMariaDb }));
  const [only] = whole;
  const defined = full && request.object !== undefined && whole.length === 1 && only !== undefined && only.kind !== "view";
  const tables = defined ? [await withDefinition(session, only, request.signal)] : whole;
  return [...tables, ...routines].sort((a, b) => order(a.schema, b.schema) || order(a.name, b.name));
}

async function withDefinition(session: Session, object: CatalogObject, signal: AbortSignal): Promise<CatalogObject> {
  const [[row] = []] = await session.texts(signal, `show create ${object.kind} ${quoted(object.schema ?? "")}.${quoted(object.name)}`);
  return { ...object, ...(row?.[1] && { definition: row[1] }) };
}
