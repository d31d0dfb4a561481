import { literal } from "../catalog/queries.ts";
import type { Session } from "../session.ts";
import { attempt } from "./analyze.ts";
import { lex } from "./lexer.ts";
import { parseStatement } from "./parse-statement.ts";
import { type Body, isSystem, type Relation, type RelationColumn, type RelationIndex, tellsOf } from "./relation.ts";

/** A relation by the names a statement gives it. */
export interface Wanted {
  readonly schema: string;
  readonly name: string;
}

/** Looks relations up in the server's catalog, in one round trip; `undefined` for one that is not there. */
export async function readRelations(
  session: Session,
  wanted: readonly Wanted[],
  caseSensitive: boolean,
  signal: AbortSignal,
): Promise<(Relation | undefined)[]> {
  if (wanted.length === 0) return [];
  const results = await session.texts(signal, ...wanted.flatMap((one) => queriesFor(one, session.isMariaDb)));
  return wanted.map((one, at) => {
    const [tables = [], columns = [], views = [], indexes = [], partitions = []] = results.slice(at * 5, at * 5 + 5);
    const isExact = ([schema, name]: readonly (string | null)[]): boolean =>
      isSystem(one.schema) || !caseSensitive
        ? schema?.toLowerCase() === one.schema.toLowerCase() && name?.toLowerCase() === one.name.toLowerCase()
        : schema === one.schema && name === one.name;
    const [table] = tables.filter(isExact);
    return table === undefined
      ? undefined
      : toRelation(table, {
          columns: columns.filter(isExact),
          indexes: indexes.filter(isExact),
          partition: partitions.find(isExact),
          definition: views.find(isExact)?.[2] ?? "",
        });
  });
}

function queriesFor({ schema, name }: Wanted, isMariaDb: boolean): string[] {
  const isInformation = schema.toLowerCase() === "information_schema";
  const where = `where table_schema = ${literal(isInformation ? "information_schema" : schema)} and table_name = ${literal(isInformation ? name.toUpperCase() : name)}`;
  return [
    `select table_schema, table_name, table_type, engine from information_schema.tables ${where}`,
    `select table_schema, table_name, column_name, column_type, extra, generation_expression, column_default from information_schema.columns ${where} order by ordinal_position`,
    `select table_schema, table_name, view_definition from information_schema.views ${where}`,
    `select table_schema, table_name, index_name, ${isMariaDb ? "column_name" : "coalesce(column_name, expression)"}, non_unique, nullable, index_type from information_schema.statistics ${where} order by index_name, seq_in_index`,
    `select table_schema, table_name, partition_expression, subpartition_expression from information_schema.partitions ${where} and partition_name is not null limit 1`,
  ];
}

type Row = readonly (string | null)[];

interface Listed {
  readonly columns: readonly Row[];
  readonly indexes: readonly Row[];
  readonly partition: Row | undefined;
  readonly definition: string;
}

function toRelation([schema, name, type, engine]: Row, { columns, indexes, partition, definition }: Listed): Relation {
  const listed = columns.map(toColumn);
  if (isSystem(schema ?? "")) {
    const [system, own] = [(schema ?? "").toLowerCase(), (name ?? "").toLowerCase()];
    return { schema: system, name: own, kind: "catalog", tells: tellsOf(system, own), columns: listed };
  }
  const common = { schema: schema ?? "", name: name ?? "", columns: listed };
  const isMerge = /^mrg_/i.test(engine ?? "");
  if (type !== "VIEW")
    return {
      ...common,
      kind: "table",
      indexes: toIndexes(indexes),
      ...(partition && { partitioned: partitionedBy(partition, indexes) }),
      ...(type === "SYSTEM VERSIONED" && { historic: true }),
      ...(isMerge && { merge: true }),
    };
  const body = bodyOf(definition);
  return { ...common, kind: "view", ...(body && { body }) };
}

function toColumn([, , name, type, extra, generated, otherwise]: Row): RelationColumn {
  // What a row is filled with may be computed from its other columns too.
  const made = generated ? generated : /[(`]/.test(otherwise ?? "") ? otherwise : undefined;
  return { name: name ?? "", type: type ?? "", invisible: /\bINVISIBLE\b/i.test(extra ?? ""), ...(made && { made }) };
}

/** Where no column is named the primary key is meant. */
const partitionedBy = ([, , ...expressions]: Row, indexes: readonly Row[]): string =>
  expressions.filter(Boolean).join(", ") || indexes.flatMap(([, , name, part]) => (name === "PRIMARY" ? [part] : [])).join(", ");

/** Those that give rows in an order: a text is sought in its own by MATCH alone. */
function toIndexes(rows: readonly Row[]): RelationIndex[] {
  const byName = Map.groupBy(
    rows.filter(([, , , , , , type]) => !/^(?:fulltext|spatial|rtree|vector)$/i.test(type ?? "")),
    ([, , name]) => name ?? "",
  );
  // Without a primary key the first unique one that has no nulls is it.
  return [...byName].map(([name, parts]) => ({
    name,
    parts: parts.map(([, , , part]) => part ?? ""),
    clustered:
      name === "PRIMARY" ||
      (!byName.has("PRIMARY") && parts.every(([, , , , isRepeating, isNullable]) => isRepeating === "0" && isNullable !== "YES")),
  }));
}

/** Reads the query the server keeps of a view; `undefined` when it may not be seen, or holds what is not known. */
function bodyOf(definition: string): Body | undefined {
  let body: Body | undefined;
  attempt(() => {
    const lexed = lex(definition);
    const parsed = parseStatement(lexed);
    if (parsed.kind === "query") body = { lexed, parsed };
  });
  return body;
}
