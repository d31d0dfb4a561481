import type { CatalogColumn, CatalogDetail, CatalogObject, ForeignKey, ObjectKind } from "../contract/catalog.ts";
import { oneLine, plainName, qualifiedName, quoted, roughCount, roughSize } from "./name.ts";
import { shortType } from "./short-type.ts";

export interface CompactOptions {
  readonly detail: CatalogDetail;
  /** The schema that unqualified names mean; left out of every name. */
  readonly defaultSchema?: string;
}

/** What stands between a column, its type and its marks, and between columns. The whole syntax hangs on these three. */
export const compactMarks = { type: ":", mark: "*", column: "," } as const;

export const compactKinds: Readonly<Record<Exclude<ObjectKind, "table">, string>> = {
  view: "view",
  "materialized view": "matview",
  routine: "routine",
  sequence: "sequence",
  type: "type",
  extension: "extension",
};

/**
 * One line per object for a model: `schema.table(~rows): col:type*PK,col:type*NN*FK->table.col`.
 * A key column is marked PK, whether it may be null is not said of it. A referenced table without a
 * schema is in the same schema. `full` adds ` pk(…)` when the key has another order than the columns,
 * ` fk(a,b)->t(c,d)`, ` ux(…)`, ` ix(…)`, ` ck("…")`, `=default`, column comments in quotes and the
 * table's after ` -- `. Names that are not one plain word are JSON strings. What is no table says so
 * after its name: `next_id(sequence)`, `add(routine): (a integer) returns integer`, `mood(type): calm|sad`.
 */
export function compact(objects: readonly CatalogObject[], options: CompactOptions): string {
  return objects.map((object) => compactLine(object, options)).join("\n");
}

/** The line of one object; `only` keeps some columns, and `…` says that others are left out. */
export function compactLine(object: CatalogObject, options: CompactOptions, only?: ReadonlySet<string>): string {
  const full = options.detail === "full";
  const comment = full && object.comment ? oneLine(object.comment) : "";
  const head = headOf(object, options) + (options.detail === "names" ? "" : aboutOf(object, full));
  const shown = object.columns?.filter((column) => only?.has(column.name) ?? true) ?? [];
  const withColumns = options.detail !== "names" && object.columns !== undefined && (only === undefined || shown.length > 0);
  if (!withColumns) return comment ? `${head} -- ${comment}` : head;
  const references = referencesOf(object, options);
  const columns = shown.map((column) => columnText(column, object, references, full));
  if (shown.length < object.columns.length) columns.push("…");
  const tail = full && only === undefined ? tailOf(object, options) : "";
  return `${head}:${columns.length > 0 ? " " : ""}${columns.join(compactMarks.column)}${tail}${comment && ` -- ${comment}`}`;
}

function headOf(object: CatalogObject, { detail, defaultSchema }: CompactOptions): string {
  const { kind, version, estimatedRows, bytes, rowSecurity, partitionOf } = object;
  const size = detail === "full" ? [roughCount(estimatedRows), roughSize(bytes)] : [roughCount(estimatedRows)];
  const facts = [
    ...(kind === "table" ? [] : [compactKinds[kind]]),
    ...(version === undefined ? [] : [plainType(version)]),
    ...(detail === "names" ? [] : size.filter((count) => count !== undefined).map((count) => `~${count}`)),
    ...(detail !== "names" && rowSecurity ? ["rls"] : []),
    ...(detail !== "names" && partitionOf ? [`part of ${qualifiedName(partitionOf, object.schema ?? defaultSchema)}`] : []),
  ];
  return qualifiedName(object, defaultSchema) + (facts.length > 0 ? `(${facts.join(" ")})` : "");
}

/** More values say no more about what a type is for. */
const mostValues = 30;

/** How a routine is called, and what an enumeration may hold. */
function aboutOf({ signature, values }: CatalogObject, full: boolean): string {
  const shown = values?.slice(0, full ? undefined : mostValues).map(plainName);
  if (shown !== undefined && shown.length < (values?.length ?? 0)) shown.push("…");
  return (signature ? `: ${oneLine(signature)}` : "") + (shown ? `: ${shown.join("|")}` : "");
}

function columnText(column: CatalogColumn, object: CatalogObject, references: ReadonlyMap<string, string>, full: boolean): string {
  const { type: before, mark } = compactMarks;
  const type = shortType(column);
  const comment = full && column.comment ? oneLine(column.comment) : "";
  const typed = type || comment ? before + plainType(type) : "";
  const key = object.primaryKey?.includes(column.name) ? `${mark}PK` : column.nullable ? "" : `${mark}NN`;
  const text = plainName(column.name) + typed + key + (references.get(column.name) ?? "");
  if (!full) return text;
  const value = column.default === undefined ? "" : `=${plainType(oneLine(column.default))}`;
  return text + (column.generated ? `${mark}GEN` : "") + value + (comment && ` ${quoted(comment)}`);
}

/** Types and defaults stay bare while nothing in them reads like a mark, a separator or the end. */
function plainType(type: string): string {
  return /^[\w.+-]+(?:\([\w,]*\))?(?:\[\d*\])*$/.test(type) && !/^(?:PK|NN|GEN)$/.test(type) ? type : quoted(type);
}

/** The `FK->` marks by column. Keys over several columns go to the end of the line when there is room for them. */
function referencesOf(object: CatalogObject, options: CompactOptions): Map<string, string> {
  const marks = new Map<string, string>();
  for (const key of object.foreignKeys ?? []) {
    if (key.columns.length > 1 && options.detail === "full") continue;
    for (const [at, column] of key.columns.entries()) {
      const table = targetOf(key, object, options);
      const target = key.references.columns[at];
      // A key that leaves the target's columns to the engine: the brackets tell `schema.table()` from `table.column`.
      const whole = target !== undefined ? `${table}.${plainName(target)}` : table.includes(".") ? `${table}()` : table;
      marks.set(column, `${marks.get(column) ?? ""}${compactMarks.mark}FK->${whole}`);
    }
  }
  return marks;
}

function targetOf(key: ForeignKey, object: CatalogObject, { defaultSchema }: CompactOptions): string {
  const { schema, name } = key.references;
  const same = schema === undefined || schema === (object.schema ?? defaultSchema);
  return same ? plainName(name) : qualifiedName({ schema, name });
}

function tailOf(object: CatalogObject, options: CompactOptions): string {
  const { primaryKey = [], foreignKeys = [], indexes = [], checks = [], columns = [] } = object;
  const inOrder = columns.map((column) => column.name).filter((name) => primaryKey.includes(name));
  const list = (names: readonly string[]) => `(${names.map(plainName).join(",")})`;
  const same = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((name, at) => name === b[at]);
  return [
    ...(same(inOrder, primaryKey) ? [] : [` pk${list(primaryKey)}`]),
    ...foreignKeys
      .filter((key) => key.columns.length > 1)
      .map(
        (key) =>
          ` fk${list(key.columns)}->${targetOf(key, object, options)}${key.references.columns.length ? list(key.references.columns) : ""}`,
      ),
    ...indexes
      .filter((index) => !(index.unique && same(index.columns, primaryKey)))
      .map((index) => ` ${index.unique ? "ux" : "ix"}${list(index.columns)}`),
    ...checks.map((check) => ` ck(${quoted(oneLine(check))})`),
  ].join("");
}
