import type { MaskForm, RelationRestriction } from "../../../core/contract/analysis.ts";
import type { Diagnosis } from "../../../core/contract/problem.ts";
import { literal, quoted } from "../catalog/queries.ts";
import { refusal } from "../refusal.ts";
import { policyExpression } from "./policy-expression.ts";
import type { Relation, RelationColumn, Snapshot } from "./relation.ts";
import { same } from "./scope.ts";
import { tellingColumns, unorderedBy } from "./telling.ts";

/** How a statement reaches a relation. */
export interface Named {
  /** What stands for the relation itself: its name with what belongs to it, or the query of a view. */
  readonly from: string;
  /** True when it asks for some partitions only. */
  readonly byPartition: boolean;
  /** Columns it names, in lower case. */
  readonly columns: ReadonlySet<string>;
  /** True in the body of a view: there a hidden column is null. */
  readonly inView: boolean;
  /** True keeps the server from merging it into the statement. */
  readonly apart: boolean;
  readonly snapshot: Snapshot;
}

const partitionTells = (table: string): Diagnosis => ({
  code: "POLICY_DENIED",
  message: `Rows of "${table}" cannot be chosen by partition: columns of it are restricted for you`,
  hint: "Leave the partition out of the statement",
});

/** More rows than there can be. */
const everyRow = " limit 18446744073709551615";

/** The part of a relation that may be seen, as a query. */
export function permitted(relation: Relation, restriction: RelationRestriction, named: Named): string {
  const telling = tellingColumns(relation, restriction);
  const shown = relation.columns.flatMap((column) => {
    // A star leaves it out, so it is there for those who name it only.
    if (column.invisible && !named.inView && !named.columns.has(column.name.toLowerCase())) return [];
    const text = shownAs(column, relation, restriction, { ...named, telling });
    return text === undefined ? [] : [text === quoted(column.name) ? text : `${text} as ${quoted(column.name)}`];
  });
  const conditions = restriction.where.map((sql) => policyExpression(sql, restriction.values, relation, named.snapshot));
  const filter = conditions.length > 0 ? ` where ${conditions.join(" and ")}` : "";
  const { hint, sorted, chosen } = unorderedBy(relation, telling);
  if (chosen && named.byPartition) throw refusal(partitionTells(relation.name));
  const order = sorted && shown.length > 0 ? ` order by ${shown.map((_, at) => at + 1).join(", ")}` : "";
  const list = shown.join(", ") || "null as `hidden`";
  return `select ${list} from ${named.from}${hint}${filter}${order}${named.apart || order !== "" ? everyRow : ""}`;
}

type Shown = Named & { readonly telling: ReadonlySet<string> };

/** What stands for a column; `undefined` where it is not there. */
function shownAs(column: RelationColumn, relation: Relation, restriction: RelationRestriction, at: Shown): string | undefined {
  const { name, type } = column;
  const { hidden, masks, values, salt = "" } = restriction;
  if (hidden.some((one) => same(one, name))) return at.inView ? nullOf(type) : undefined;
  const form = masks.find((mask) => same(mask.column, name))?.form ?? (at.telling.has(name.toLowerCase()) ? "redact" : undefined);
  if (form === undefined) return quoted(name);
  return typeof form === "string" ? masked(column, form, salt) : policyExpression(form.sql, values, relation, at.snapshot);
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
