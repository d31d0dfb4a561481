import type { CatalogColumn, CatalogIndex, CatalogObject, ForeignKey, ObjectName } from "../contract/catalog.ts";
import { quoteIdentifier } from "../sql/quote.ts";
import { oneLine, qualifiedName } from "./name.ts";

export interface DdlOptions {
  readonly identifierQuote?: string;
  /** Left out of names: some engines take no schema in a reference. */
  readonly defaultSchema?: string;
}

/** How one engine writes names. */
interface Names {
  one(name: string): string;
  list(names: readonly string[]): string;
  path(name: ObjectName): string;
}

/** Statements that would create the objects: the engine's own text where it keeps one, else rebuilt from the facts. */
export function ddl(objects: readonly CatalogObject[], { identifierQuote = '"', defaultSchema }: DdlOptions): string {
  const one = (name: string) => quoteIdentifier(name, identifierQuote);
  const list = (names: readonly string[]) => `(${names.map(one).join(", ")})`;
  const path = ({ schema, name }: ObjectName) =>
    schema === undefined || schema === defaultSchema ? one(name) : `${one(schema)}.${one(name)}`;
  return objects.map((object) => statementOf(object, { one, list, path })).join("\n\n");
}

function statementOf(object: CatalogObject, names: Names): string {
  const comment = object.comment ? `-- ${oneLine(object.comment)}\n` : "";
  if (object.definition?.trim()) return `${comment}${object.definition.trim().replace(/;$/, "")};`;
  const rebuilt = rebuiltOf(object, names);
  if (rebuilt !== undefined) return comment + rebuilt;
  if (object.kind !== "table") return `${comment}-- ${object.kind} ${qualifiedName(object)}: the engine keeps no statement for it`;
  const lines = [
    ...(object.columns ?? []).map((column) => ({ text: columnText(column, names), remark: column.comment })),
    ...constraintsOf(object, names).map((text) => ({ text, remark: undefined })),
  ].map(({ text, remark }, at, all) => `  ${text}${at < all.length - 1 ? "," : ""}${remark ? ` -- ${oneLine(remark)}` : ""}`);
  const create = `CREATE TABLE ${names.path(object)} (${lines.length > 0 ? `\n${lines.join("\n")}\n` : ""});`;
  return comment + [create, ...(object.indexes ?? []).map((index) => indexText(index, object, names))].join("\n");
}

/** What the facts alone are enough for. */
function rebuiltOf({ kind, name, schema, values }: CatalogObject, names: Names): string | undefined {
  if (kind === "extension") return `CREATE EXTENSION ${names.one(name)};`;
  if (kind !== "type" || values === undefined) return undefined;
  const path = names.path({ name, ...(schema !== undefined && { schema }) });
  return `CREATE TYPE ${path} AS ENUM (${values.map((value) => `'${value.replaceAll("'", "''")}'`).join(", ")});`;
}

function columnText(column: CatalogColumn, names: Names): string {
  const type = column.nativeType && ` ${column.nativeType}`;
  const computed = column.default === undefined ? " /* generated */" : ` GENERATED ALWAYS AS (${column.default})`;
  const value = column.generated ? computed : column.default === undefined ? "" : ` DEFAULT ${column.default}`;
  return `${names.one(column.name)}${type}${column.nullable ? "" : " NOT NULL"}${value}`;
}

function constraintsOf({ primaryKey = [], foreignKeys = [], checks = [] }: CatalogObject, names: Names): string[] {
  return [
    ...(primaryKey.length > 0 ? [`PRIMARY KEY ${names.list(primaryKey)}`] : []),
    ...foreignKeys.map((key) => foreignKeyText(key, names)),
    ...checks.map((check) => (/^check\b/i.test(check.trim()) ? check.trim() : `CHECK (${check.trim()})`)),
  ];
}

function foreignKeyText({ columns, references }: ForeignKey, names: Names): string {
  const targets = references.columns.length > 0 ? ` ${names.list(references.columns)}` : "";
  return `FOREIGN KEY ${names.list(columns)} REFERENCES ${names.path(references)}${targets}`;
}

function indexText(index: CatalogIndex, object: CatalogObject, names: Names): string {
  const parts = index.columns.map((part) => (object.columns?.some((column) => column.name === part) ? names.one(part) : `(${part})`));
  return `CREATE ${index.unique ? "UNIQUE " : ""}INDEX ${names.one(index.name)} ON ${names.path(object)} (${parts.join(", ")});`;
}
