import type { MaskForm, RelationRestriction } from "../../../core/contract/analysis.ts";
import type { Value } from "../../../core/contract/rows.ts";
import { literal, quoted } from "../catalog/queries.ts";
import { lex } from "./lexer.ts";
import { parseExpression } from "./parse-statement.ts";
import type { Relation, RelationColumn } from "./relation.ts";
import { same } from "./scope.ts";

/** How a statement reaches a relation. */
export interface Named {
  /** What stands for the relation itself: its name with what belongs to it, or the query of a view. */
  readonly from: string;
  /** Columns it names, in lower case. */
  readonly columns: ReadonlySet<string>;
  /** True in the body of a view: there a hidden column is null. */
  readonly inView: boolean;
  /** True keeps the server from merging it into the statement. */
  readonly apart: boolean;
}

/** More rows than there can be. */
const everyRow = " limit 18446744073709551615";

/** The part of a relation that may be seen, as a query. */
export function permitted(relation: Relation, restriction: RelationRestriction, { from, columns, inView, apart }: Named): string {
  const { hidden, masks, where, values, salt = "" } = restriction;
  const shown = relation.columns.flatMap((column) => {
    const { name, type } = column;
    // A star leaves it out, so it is there for those who name it only.
    if (column.invisible && !inView && !columns.has(name.toLowerCase())) return [];
    if (hidden.some((one) => same(one, name))) return inView ? [`${nullOf(type)} as ${quoted(name)}`] : [];
    const form = masks.find((mask) => same(mask.column, name))?.form;
    return [
      form === undefined
        ? quoted(name)
        : `${typeof form === "string" ? masked(column, form, salt) : expression(form.sql, {})} as ${quoted(name)}`,
    ];
  });
  const conditions = where.map((condition) => expression(condition, values));
  const filter = conditions.length > 0 ? ` where ${conditions.join(" and ")}` : "";
  return `select ${shown.join(", ") || "null as `hidden`"} from ${from}${filter}${apart ? everyRow : ""}`;
}

/** A mask keeps a column's type wherever it can, so that what is computed from it still works. */
function masked({ name, type }: RelationColumn, form: Exclude<MaskForm, object>, salt: string): string {
  const column = quoted(name);
  const isText = /^(?:(?:var)?char|(?:tiny|medium|long)?text|enum|set)\b/i.test(type);
  if (form === "null" || (!isText && form !== "hash")) return nullOf(type);
  if (form === "redact") return "'***'";
  const text = /^(?:(?:var)?binary|(?:tiny|medium|long)?blob)\b/i.test(type) ? column : `cast(${column} as char character set utf8mb4)`;
  if (form === "hash") return `if(${column} is null, null, left(sha2(concat(${literal(salt)}, ${text}), 256), 16))`;
  return `if(${column} is null, null, if(char_length(${column}) > 4, concat(left(${column}, 1), '***'), '***'))`;
}

const castTypes: readonly (readonly [pattern: RegExp, type: string])[] = [
  [/^(?:tiny|small|medium|big)?int.*unsigned|^bit|^year/i, "unsigned"],
  [/^(?:tiny|small|medium|big)?int/i, "signed"],
  [/^decimal(\(\d+,\d+\))?/i, "decimal"],
  [/^(?:float|double)/i, "double"],
  [/^(?:date|time)$/i, ""],
  [/^(?:datetime|timestamp)/i, "datetime"],
  [/^time\b/i, "time"],
  [/^(?:(?:var)?binary|(?:tiny|medium|long)?blob)/i, "binary"],
];

/** A null of the column's type, made of nothing in the row. */
function nullOf(type: string): string {
  const [pattern, cast] = castTypes.find(([known]) => known.test(type)) ?? [undefined, "char"];
  const size = /^(?:decimal|datetime|timestamp|time)(\(\d+(?:,\d+)?\))/i.exec(type)?.[1] ?? "";
  return `cast(null as ${cast === "" ? type.toLowerCase() : cast}${pattern === undefined ? "" : size})`;
}

/** An expression of the policy, with values put into it. @throws Unresolved when it is not one expression */
function expression(sql: string, values: Readonly<Record<string, Value>>): string {
  const lexed = lex(sql);
  parseExpression(lexed);
  let text = "";
  let at = 0;
  for (const { kind, text: written, start, end } of lexed.tokens) {
    if (kind !== "parameter" || !Object.hasOwn(values, written.slice(1))) continue;
    text += lexed.text.slice(at, start) + literalOf(values[written.slice(1)] ?? null);
    at = end;
  }
  return `(${text}${lexed.text.slice(at)})`;
}

function literalOf(value: Value): string {
  if (value === null) return "null";
  if (typeof value === "boolean" || typeof value === "bigint" || (typeof value === "number" && Number.isFinite(value)))
    return String(value);
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString("hex")}'`;
  const text = String(value);
  return text.includes("\0") ? `_utf8mb4 x'${Buffer.from(text).toString("hex")}'` : literal(text);
}
