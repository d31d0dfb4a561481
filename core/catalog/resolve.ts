import type { CatalogObject, ObjectKind } from "../contract/catalog.ts";
import type { Missing } from "../contract/problem.ts";
import { nearest, problem } from "../problem.ts";
import { atDetail } from "./detail.ts";
import { qualifiedName } from "./name.ts";
import { likelyNear } from "./near.ts";
import { isRelation } from "./relation.ts";

/** When one name stands for several kinds of things, people mean the first of these. */
const preference: readonly ObjectKind[] = ["table", "view", "materialized view", "sequence", "type", "routine", "extension"];

/**
 * The object that `text` names: `table`, `schema.table`, parts in `"…"`, `` `…` `` or `[…]`. Case
 * decides only between names that differ in nothing else; an unqualified name prefers `defaultSchema`.
 *
 * @throws NOT_FOUND with near names; INPUT_INVALID with the choices when there are several.
 */
export function findObject(objects: readonly CatalogObject[], text: string, defaultSchema?: string): CatalogObject {
  const wanted = text.trim();
  const matches = matching(objects, wanted, defaultSchema);
  if (matches.length === 0) {
    const named = objects.map((object) => atDetail(object, "names"));
    const hint = hintOf(nearNames(named, { missing: wanted, missingKind: "object" }, defaultSchema), wanted);
    throw problem("NOT_FOUND", `No table or view is called "${wanted}"`, hint ?? "List the objects to see what there is");
  }
  const names = [...new Set(matches.map((object) => inQuotes(qualifiedName(object))))];
  if (names.length > 1) {
    const message = `Name "${wanted}" means more than one object: ${names.slice(0, 5).join(", ")}${names.length > 5 ? ", …" : ""}`;
    throw problem("INPUT_INVALID", message, `Write ${names.slice(0, 2).join(" or ")}`);
  }
  return matches.reduce((best, other) => (preference.indexOf(other.kind) < preference.indexOf(best.kind) ? other : best));
}

/**
 * The names most like one that an engine could not find, as they would be written: tables first, then
 * `table.column`. For a missing table there are only tables, for a missing column only columns.
 */
export function nearNames(objects: readonly CatalogObject[], { missing, missingKind }: Missing, defaultSchema?: string): string[] {
  const parts = nameParts(missing.trim());
  const word = parts.at(-1) ?? missing;
  const owner = missingKind === "object" ? undefined : parts.at(-2)?.toLowerCase();
  const owners = objects.filter((object) => object.name.toLowerCase() === owner);
  const written = new Map<string, string[]>();
  const add = (name: string, text: string) => {
    const known = written.get(name) ?? [];
    if (known.length < 3) written.set(name, [...known, text]);
  };
  if (owners.length === 0 && missingKind !== "column") for (const object of objects) add(object.name, qualifiedName(object, defaultSchema));
  for (const object of missingKind === "object" ? [] : owners.length > 0 ? owners : objects) {
    for (const column of object.columns ?? []) add(column.name, `${qualifiedName(object, defaultSchema)}.${qualifiedName(column)}`);
  }
  const likely = likelyNear(word.toLowerCase());
  const candidates = [...written.keys()].filter((name) => {
    const other = name.toLowerCase();
    return other.includes(word.toLowerCase()) || word.toLowerCase().includes(other) || likely(other);
  });
  return nearest(word, candidates)
    .flatMap((name) => written.get(name) ?? [])
    .slice(0, 3);
}

/** `Did you mean "customers"?` for a table or column that an engine could not find; undefined when nothing is near. */
export function suggest(objects: readonly CatalogObject[], missing: Missing, defaultSchema?: string): string | undefined {
  return hintOf(nearNames(objects.filter(isRelation), missing, defaultSchema), missing.missing);
}

function hintOf(near: readonly string[], wanted: string): string | undefined {
  const names = near.filter((name) => name !== wanted);
  return names.length === 0 ? undefined : `Did you mean ${names.map(inQuotes).join(" or ")}?`;
}

/** Names in the case they are written in go before names that differ in case. */
function matching(objects: readonly CatalogObject[], wanted: string, defaultSchema: string | undefined): readonly CatalogObject[] {
  const copied = objects.filter((object) => [qualifiedName(object), qualifiedName(object, defaultSchema)].includes(wanted));
  if (copied.length > 0 && wanted.includes('"')) return copied;
  const parts = nameParts(wanted);
  for (const fold of [(name: string) => name, (name: string) => name.toLowerCase()]) {
    const found = objects.filter((object) => isNamed(fold, [object.schema ?? defaultSchema ?? "", object.name], [wanted, parts]));
    const inDefault = parts.length === 1 ? found.filter((object) => object.schema === defaultSchema) : [];
    if (found.length > 0) return inDefault.length > 0 ? inDefault : found;
  }
  return [];
}

/** A name that itself holds a dot is found by its whole text. */
function isNamed(
  fold: (name: string) => string,
  [schema, name]: readonly [string, string],
  [wanted, parts]: readonly [string, readonly string[]],
): boolean {
  if (fold(name) === fold(wanted) || fold(`${schema}.${name}`) === fold(wanted)) return true;
  return fold(name) === fold(parts.at(-1) ?? "") && (parts.length === 1 || fold(schema) === fold(parts.slice(0, -1).join(".")));
}

function inQuotes(name: string): string {
  return name.startsWith('"') ? name : `"${name}"`;
}

/** Splits at the dots outside quotes and takes the quotes away. */
function nameParts(text: string): string[] {
  const part = /(?:^|\.)(?:"((?:[^"]|"")*)"|`((?:[^`]|``)*)`|\[((?:[^\]]|\]\])*)\]|([^.]*))/g;
  return [...text.matchAll(part)].map(
    ([, double, back, bracket, bare = ""]) =>
      double?.replaceAll('""', '"') ?? back?.replaceAll("``", "`") ?? bracket?.replaceAll("]]", "]") ?? bare.trim(),
  );
}
