import type { CatalogObject } from "../../contract/catalog.ts";
import { didYouMean } from "../../problem.ts";
import type { PlacedRule, RolePolicy } from "../roles/compile.ts";
import { matcher } from "../roles/pattern.ts";
import type { Places } from "../roles/schema.ts";

/** Something in a policy that is believed to hold and does not. */
export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly role: string;
  readonly text: string;
  readonly hint?: string | undefined;
}

/** What a live catalog says of a rule; connections without a catalog are not judged. */
export function lintRules({ rules }: RolePolicy, catalogs: ReadonlyMap<string, readonly CatalogObject[]>): Finding[] {
  return rules.flatMap((rule) => {
    const places = [rule.entry, ...(rule.entry.except ?? [])];
    return places.flatMap((place, at) => lintPlace(rule, place, at === 0 ? "rule" : "exception", catalogs));
  });
}

function lintPlace(rule: PlacedRule, place: Places, what: string, catalogs: ReadonlyMap<string, readonly CatalogObject[]>): Finding[] {
  const onConnection = matcher(place.connection);
  const meant = [...catalogs].filter(([name]) => onConnection(name));
  // A rule may also be for a connection that was not looked at.
  if (meant.length === 0 || [place.schema, place.table, place.column].every((part) => part === undefined)) return [];
  const where = meant.map(([name]) => name).join(", ");
  const relations = meant.flatMap(([, objects]) => objects.filter(({ columns }) => columns !== undefined));
  const [ofSchema, ofTable] = [matcher(place.schema), matcher(place.table)];
  const covered = relations.filter(({ schema, name }) => ofSchema(schema) && ofTable(name));
  const finding = (text: string, hint?: string): Finding => ({ file: rule.file, line: rule.line, role: rule.role, text, hint });
  if (covered.length === 0) {
    const wanted = place.table?.join(", ") ?? place.schema?.join(", ") ?? "*";
    const hint = didYouMean(place.table?.[0] ?? place.schema?.[0] ?? "", [...relations.map(({ name }) => name), ...schemasOf(relations)]);
    return [finding(`the ${what} matches nothing on ${where}: there is no table "${wanted}"`, hint)];
  }
  const columns = covered.flatMap((object) => (object.columns ?? []).map(({ name }) => name));
  const absent = (place.column ?? []).filter((glob) => !columns.some((name) => matcher([glob])(name)));
  return absent.map((glob) =>
    finding(`the ${what} names a column that is in none of its tables on ${where}: "${glob}"`, didYouMean(glob, columns)),
  );
}

const schemasOf = (objects: readonly CatalogObject[]): string[] => objects.flatMap(({ schema }) => (schema === undefined ? [] : [schema]));

/** Rules whose filter or mask is an expression, with one table each to try it on. */
export function expressionsToTry(
  { rules }: RolePolicy,
  connection: string,
  objects: readonly CatalogObject[],
): { readonly rule: PlacedRule; readonly object: CatalogObject; readonly column?: string }[] {
  return rules.flatMap((rule) => {
    const { entry } = rule;
    if (entry.where === undefined && typeof entry.mask !== "object") return [];
    const [onConnection, ofSchema, ofTable, ofColumn] = [entry.connection, entry.schema, entry.table, entry.column].map(matcher);
    if (!onConnection?.(connection)) return [];
    const columnIn = ({ columns = [] }: CatalogObject) => columns.find(({ name }) => ofColumn?.(name))?.name;
    const object = objects.find((one) => ofSchema?.(one.schema) && ofTable?.(one.name) && columnIn(one) !== undefined);
    if (object === undefined) return [];
    const column = entry.column === undefined ? undefined : columnIn(object);
    return [{ rule, object, ...(column !== undefined && { column }) }];
  });
}
