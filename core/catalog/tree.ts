import type { CatalogColumn, CatalogDetail, CatalogObject } from "../contract/catalog.ts";
import { oneLine, plainName, qualifiedName, roughCount, roughSize } from "./name.ts";

export interface TreeOptions {
  readonly detail: CatalogDetail;
  /** True draws the guides with `|` and `-`. */
  readonly ascii?: boolean;
}

interface Node {
  readonly text: string;
  readonly children: readonly Node[];
}

/** A tree for people: schemas, objects, columns with their marks; `full` adds indexes and checks. */
export function tree(objects: readonly CatalogObject[], options: TreeOptions): string {
  const bySchema = Map.groupBy(objects, (object) => object.schema);
  const roots = [...bySchema].flatMap(([schema, members]) => {
    const nodes = members.map((object) => objectNode(object, options.detail));
    return schema === undefined ? nodes : [{ text: plainName(schema), children: nodes }];
  });
  const guides = options.ascii ? { on: "|- ", end: "`- ", past: "|  ", none: "   " } : { on: "├─ ", end: "└─ ", past: "│  ", none: "   " };
  const lines: string[] = [];
  const draw = (nodes: readonly Node[], indent: string): void => {
    for (const [at, node] of nodes.entries()) {
      const last = at === nodes.length - 1;
      lines.push(indent + (last ? guides.end : guides.on) + node.text);
      draw(node.children, indent + (last ? guides.none : guides.past));
    }
  };
  for (const root of roots) {
    lines.push(root.text);
    draw(root.children, "");
  }
  return lines.join("\n");
}

function objectNode(object: CatalogObject, detail: CatalogDetail): Node {
  const { name, kind, version, signature, values, estimatedRows, bytes, rowSecurity, partitionOf } = object;
  const [count, size] = [roughCount(estimatedRows), roughSize(bytes)];
  const facts = [
    plainName(name) + (signature ? ` ${oneLine(signature)}` : ""),
    version === undefined ? kind : `${kind} ${oneLine(version)}`,
    values === undefined ? "" : `(${values.map(oneLine).join(", ")})`,
    count === undefined ? "" : `~${count} rows`,
    size === undefined ? "" : `~${size}`,
    rowSecurity ? "row security" : "",
    partitionOf ? `partition of ${qualifiedName(partitionOf, object.schema)}` : "",
    remark(object.comment),
  ];
  const columns = detail === "names" ? [] : columnNodes(object);
  const rest = detail === "full" ? constraintNodes(object) : [];
  return { text: facts.filter(Boolean).join("  "), children: [...columns, ...rest] };
}

function columnNodes(object: CatalogObject): Node[] {
  const cells = (object.columns ?? []).map(
    (column) => [plainName(column.name), oneLine(column.nativeType), marksOf(column, object)] as const,
  );
  const nameWidth = Math.max(0, ...cells.map(([name]) => widthOf(name)));
  const typeWidth = Math.max(0, ...cells.map(([, type]) => widthOf(type)));
  return cells.map(([name, type, marks]) => ({
    text: `${pad(name, nameWidth)}  ${pad(type, typeWidth)}  ${marks}`.trimEnd(),
    children: [],
  }));
}

function marksOf(column: CatalogColumn, object: CatalogObject): string {
  const references = (object.foreignKeys ?? []).flatMap((key) => {
    const at = key.columns.indexOf(column.name);
    if (at < 0) return [];
    const target = key.references.columns[at];
    return [`FK -> ${qualifiedName(key.references, object.schema)}${target === undefined ? "" : `.${plainName(target)}`}`];
  });
  const value = column.default === undefined ? "" : `${column.generated ? "generated" : "default"} ${oneLine(column.default)}`;
  const marks = [object.primaryKey?.includes(column.name) ? "PK" : "", column.nullable ? "" : "NN", ...references, value];
  return [...marks, remark(column.comment)].filter(Boolean).join(" ");
}

function constraintNodes({ primaryKey = [], indexes = [], checks = [] }: CatalogObject): Node[] {
  const list = (names: readonly string[]) => `(${names.map(oneLine).join(", ")})`;
  return [
    ...(primaryKey.length > 1 ? [`primary key ${list(primaryKey)}`] : []),
    ...indexes.map((index) => `${index.unique ? "unique index" : "index"} ${plainName(index.name)} ${list(index.columns)}`),
    ...checks.map((check) => `check ${oneLine(check)}`),
  ].map((text) => ({ text, children: [] }));
}

function remark(comment: string | undefined): string {
  return comment ? `-- ${oneLine(comment)}` : "";
}

function pad(text: string, width: number): string {
  return text + " ".repeat(width - widthOf(text));
}

/** Columns on a terminal: East Asian wide characters and pictures take two, combining marks none. */
function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u;
  return [...text].reduce((width, character) => width + (/[\p{M}\p{Cf}]/u.test(character) ? 0 : wide.test(character) ? 2 : 1), 0);
}
