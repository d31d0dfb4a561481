import type { RelationRestriction } from "../../../core/contract/analysis.ts";
import { quoted } from "../catalog/queries.ts";
import type { Relation, RelationColumn } from "./relation.ts";

/** Whether the text of an expression may name a column. Within its literals counts too: the servers write quotes there in ways of their own. */
function names(text: string, column: string): boolean {
  const [inside, name] = [text.toLowerCase(), column.toLowerCase().replaceAll("`", "``")];
  for (let at = inside.indexOf(name); at >= 0; at = inside.indexOf(name, at + 1))
    if (!isWord(inside[at - 1]) && !isWord(inside[at + name.length])) return true;
  return false;
}

const isWord = (character: string | undefined): boolean => character !== undefined && /[\w$\u0080-\uffff]/.test(character);

/** The columns that one is computed from, directly or through others. */
export function madeOf(relation: Relation, { made }: RelationColumn): readonly RelationColumn[] {
  if (made === undefined) return [];
  const found = new Set<RelationColumn>();
  for (const pending = [made]; pending.length > 0; ) {
    const text = pending.pop() ?? "";
    for (const column of relation.columns) {
      if (found.has(column) || !names(text, column.name)) continue;
      found.add(column);
      if (column.made !== undefined) pending.push(column.made);
    }
  }
  return [...found];
}

/** Names of all columns that tell of what is masked or hidden, these among them, in lower case. */
export function tellingColumns(relation: Relation, { hidden, masks }: RelationRestriction): ReadonlySet<string> {
  const kept = new Set([...hidden, ...masks.map(({ column }) => column)].map((name) => name.toLowerCase()));
  const computed = relation.columns.filter((column) => madeOf(relation, column).some(({ name }) => kept.has(name.toLowerCase())));
  return new Set([...kept, ...computed.map(({ name }) => name.toLowerCase())]);
}

interface Order {
  readonly hint: string;
  readonly sorted: boolean;
  /** True where a partition tells of them too. */
  readonly chosen: boolean;
}

/** What keeps the order in which rows are found from following columns that are not to be seen. */
export function unorderedBy({ indexes = [], partitioned = "" }: Relation, telling: ReadonlySet<string>): Order {
  const among = [...telling].some((column) => names(partitioned, column));
  const following = indexes.filter(({ parts }) =>
    parts.some((part) => telling.has(part.toLowerCase()) || [...telling].some((column) => names(part, column))),
  );
  const ignored = following.filter(({ clustered }) => !clustered);
  return {
    hint: ignored.length === 0 ? "" : ` ignore index (${ignored.map(({ name }) => quoted(name)).join(", ")})`,
    sorted: among || following.some(({ clustered }) => clustered),
    chosen: among,
  };
}
