import type { CatalogColumn, CatalogObject, ForeignKey, ObjectName } from "../contract/catalog.ts";
import { oneLine } from "./name.ts";
import { isRelation } from "./relation.ts";
import { shortType } from "./short-type.ts";

/** An entity relationship diagram in Mermaid's words: one entity per table or view, one line per foreign key. */
export function mermaid(all: readonly CatalogObject[], defaultSchema?: string): string {
  const objects = all.filter(isRelation);
  const ids = new Map<string, string>();
  const taken = new Set<string>();
  const idOf = (object: ObjectName): string => {
    const label = labelOf(object, defaultSchema);
    const id = ids.get(label) ?? uniqueIn(taken, word(label, reservedEntities));
    taken.add(id);
    ids.set(label, id);
    return id;
  };
  const entities = objects.map((object) => entityText(object, idOf(object), labelOf(object, defaultSchema)));
  const relations = objects.flatMap((object) => {
    const schema = object.schema === undefined ? {} : { schema: object.schema };
    return (object.foreignKeys ?? []).map((key) => relationText(key, object, idOf(object), idOf({ ...schema, ...key.references })));
  });
  return ["erDiagram", ...entities, ...relations].join("\n");
}

function labelOf({ schema, name }: ObjectName, defaultSchema: string | undefined): string {
  return schema === undefined || schema === defaultSchema ? name : `${schema}.${name}`;
}

function entityText(object: CatalogObject, id: string, label: string): string {
  const head = id === label ? id : `${id}["${text(label)}"]`;
  const names = new Set<string>();
  const attributes = (object.columns ?? []).map((column) => attributeText(column, object, names));
  return attributes.length > 0 ? `  ${head} {\n${attributes.join("\n")}\n  }` : `  ${head}`;
}

function attributeText(column: CatalogColumn, object: CatalogObject, names: Set<string>): string {
  const name = uniqueIn(names, word(column.name, reservedAttributes));
  names.add(name);
  const keys = [
    object.primaryKey?.includes(column.name) ? "PK" : "",
    object.foreignKeys?.some((key) => key.columns.includes(column.name)) ? "FK" : "",
  ].filter(Boolean);
  const remark = [name === column.name ? "" : column.name, column.comment ?? ""].filter(Boolean).join(": ");
  return `    ${typeWord(shortType(column) || column.type)} ${name}${keys.length > 0 ? ` ${keys.join(", ")}` : ""}${remark && ` "${text(remark)}"`}`;
}

/** A child row has one parent, or none where the key may be null; a parent has many children, or one where the key is unique. */
function relationText(key: ForeignKey, object: CatalogObject, child: string, parent: string): string {
  const keys = [object.primaryKey ?? [], ...(object.indexes ?? []).filter((index) => index.unique).map((index) => index.columns)];
  const single = keys.some((columns) => columns.length > 0 && columns.every((column) => key.columns.includes(column)));
  const optional = object.columns?.some((column) => column.nullable && key.columns.includes(column.name)) ?? true;
  return `  ${child} ${single ? "|o" : "}o"}--${optional ? "o|" : "||"} ${parent} : "${text(key.columns.join(", "))}"`;
}

/** What Mermaid's grammar keeps for itself, in any case. */
const reservedEntities =
  /^(?:acc(?:title|descr)|class(?:def)?|direction|end|erdiagram|many|one|only|optionally|o|style|subgraph|title|to|u|zero)$/i;
const reservedAttributes = /^[pfu]k$/i;

/** Entities and attributes are plain words in Mermaid. */
function word(name: string, reserved: RegExp): string {
  const plain = name.replace(/[^A-Za-z0-9_]+/g, "_");
  const named = /^[A-Za-z]/.test(plain) ? plain : `n${plain}`;
  return reserved.test(named) ? `${named}_` : named;
}

/** Mermaid allows brackets in a type but no comma or quote. */
function typeWord(type: string): string {
  const plain = oneLine(type)
    .replace(/,/g, "-")
    .replace(/[^A-Za-z0-9_\-()[\]]+/g, "_");
  return /^[A-Za-z_]/.test(plain) && !reservedAttributes.test(plain) ? plain : `_${plain}`;
}

/** Text inside quotes, where Mermaid takes no quote, percent sign or backslash but reads character numbers. */
function text(label: string): string {
  return oneLine(label).replace(/["%\\]/g, (character) => `#${character.charCodeAt(0)};`);
}

function uniqueIn(taken: ReadonlySet<string>, name: string): string {
  let unique = name;
  for (let count = 2; taken.has(unique); count++) unique = `${name}_${count}`;
  return unique;
}
