import type { CatalogColumn } from "../../../core/contract/catalog.ts";
import type { Params, PushedCondition } from "../../../core/contract/driver.ts";
import { holds, isNode, type Json, type Node, nodes, text, texts } from "../guard/json.ts";
import { same } from "../guard/scope.ts";
import { comparing, constantOf } from "./literal.ts";

/** A table where a statement names it. */
export interface Place {
  /** As it is written: connection, perhaps schema, table. */
  readonly written: readonly string[];
  readonly columns: readonly CatalogColumn[];
  /** Whether its engine holds every column to its type. */
  readonly strict: boolean;
  /** Of the statement. */
  readonly params: Params;
}

/** One condition of a WHERE or ON, on its way down to the tables. */
interface Conjunct {
  readonly expression: Node;
  /** Whether a join on the way puts NULL in place of rows that are not there. */
  readonly nullable: boolean;
}

/** What the rows of each place must meet for the statement to see them. Every place is in the answer. */
export function conditionsOf(tree: Json, places: ReadonlyMap<Node, Place>): ReadonlyMap<Node, readonly PushedCondition[]> {
  const found = new Map<Node, PushedCondition[]>([...places.keys()].map((node) => [node, []]));
  for (const select of selectsIn(tree)) {
    // A sample is taken before WHERE: of fewer rows it would be another one.
    const where = isNode(select.sample) ? [] : conjunctsOf(select.where_clause);
    descend(select.from_table, where, places, found);
  }
  return found;
}

function selectsIn(value: Json): Node[] {
  if (Array.isArray(value)) return value.flatMap(selectsIn);
  if (!isNode(value)) return [];
  return [...(value.type === "SELECT_NODE" ? [value] : []), ...Object.values(value).flatMap(selectsIn)];
}

function conjunctsOf(expression: Json | undefined): Conjunct[] {
  if (!isNode(expression)) return [];
  if (expression.type === "CONJUNCTION_AND") return nodes(expression.children).flatMap(conjunctsOf);
  return [{ expression, nullable: false }];
}

const nullable = (conjuncts: readonly Conjunct[]): Conjunct[] => conjuncts.map(({ expression }) => ({ expression, nullable: true }));

/**
 * Takes conditions down to the tables they are on. None but IS NULL holds for NULL; so a row that lacks its partner, because the partner
 * was left out by its connection, is left out by the condition itself, which is still in the statement.
 */
function descend(
  node: Json | undefined,
  conjuncts: readonly Conjunct[],
  places: ReadonlyMap<Node, Place>,
  found: ReadonlyMap<Node, PushedCondition[]>,
): void {
  if (!isNode(node)) return;
  const place = places.get(node);
  if (place !== undefined && !isNode(node.sample) && !holds(node.column_name_alias))
    found.get(node)?.push(...conjuncts.flatMap((conjunct) => readCondition(conjunct, node, place)));
  if (node.type !== "JOIN") return;
  const [left, right] = sidesOf(node, conjuncts);
  descend(node.left, left, places, found);
  descend(node.right, right, places, found);
}

/** What holds for the rows of either side of a join. */
function sidesOf(join: Node, above: readonly Conjunct[]): readonly [readonly Conjunct[], readonly Conjunct[]] {
  const [how, kind] = [text(join.ref_type), text(join.join_type)];
  const own = conjunctsOf(join.condition);
  // Of rows that are matched by their nearness or their position none may be missing.
  if (how === "ASOF") return [kind === "INNER" || kind === "LEFT" ? above : [], []];
  if (!["REGULAR", "CROSS", "NATURAL"].includes(how)) return [[], []];
  if (kind === "INNER") {
    const both = [...above, ...own];
    return [both, both];
  }
  if (kind === "LEFT") return [above, [...nullable(above), ...own]];
  if (kind === "RIGHT") return [[...nullable(above), ...own], above];
  if (kind === "FULL") return [nullable(above), nullable(above)];
  return kind === "SEMI" || kind === "ANTI" ? [above, own] : [[], []];
}

const comparisons: Readonly<Record<string, readonly [PushedCondition["op"], flipped: PushedCondition["op"]]>> = {
  COMPARE_EQUAL: ["=", "="],
  COMPARE_LESSTHAN: ["<", ">"],
  COMPARE_LESSTHANOREQUALTO: ["<=", ">="],
  COMPARE_GREATERTHAN: [">", "<"],
  COMPARE_GREATERTHANOREQUALTO: [">=", "<="],
};

function readCondition({ expression, nullable }: Conjunct, node: Node, place: Place): PushedCondition[] {
  const type = text(expression.type);
  const on = (column: Json | undefined, op: PushedCondition["op"], ...constants: (Json | undefined)[]) =>
    condition(columnNamed(column, node, place), op, constants, place);
  const [first, ...others] = nodes(expression.children);
  if (type === "OPERATOR_IS_NULL") return nullable ? [] : on(first, "is null");
  if (type === "OPERATOR_IS_NOT_NULL") return on(first, "is not null");
  if (type === "COMPARE_IN") return on(first, "in", ...others);
  if (type === "COMPARE_BETWEEN") return [...on(expression.input, ">=", expression.lower), ...on(expression.input, "<=", expression.upper)];
  const [op, flipped] = comparisons[type] ?? [];
  if (op === undefined || flipped === undefined) return [];
  return [...on(expression.left, op, expression.right), ...on(expression.right, flipped, expression.left)];
}

/** Engines order texts in their own ways, and some take a date that is no date for NULL. */
function condition(
  column: CatalogColumn | undefined,
  op: PushedCondition["op"],
  constants: readonly (Json | undefined)[],
  { strict, params }: Place,
): PushedCondition[] {
  const type = column && comparing(column, strict);
  if (column === undefined || type === undefined) return [];
  if (type === "text" && (op.startsWith("<") || op.startsWith(">"))) return [];
  if ((type === "date" || type === "timestamp") && op === "is null") return [];
  const values = constants.map((constant) => constantOf(constant, type, params)).filter((value) => value !== undefined);
  return values.length === constants.length ? [{ column: column.name, type, op, values }] : [];
}

/** The column of this table that a reference can only mean. */
function columnNamed(reference: Json | undefined, node: Node, { written, columns }: Place): CatalogColumn | undefined {
  if (!isNode(reference) || text(reference.class) !== "COLUMN_REF") return undefined;
  const names = texts(reference.column_names);
  const owner = names.slice(0, -1);
  const alias = text(node.alias);
  const own = alias === "" ? written.slice(written.length - owner.length) : [alias];
  const isOwner =
    owner.length === 0 ||
    (owner.length <= written.length && owner.length === own.length && owner.every((name, at) => same(name, own[at] ?? "")));
  const [found, ...others] = columns.filter(({ name }) => same(name, names.at(-1) ?? ""));
  return isOwner && others.length === 0 ? found : undefined;
}
