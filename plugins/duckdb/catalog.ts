import type { CatalogColumn, CatalogDetail, CatalogIndex, CatalogObject, CatalogRequest, ForeignKey } from "../../core/contract/catalog.ts";
import type { Value } from "../../core/contract/rows.ts";
import type { FileView } from "./engine/files.ts";
import { catalogType, logicalType } from "./values/types.ts";

/** One row of the catalog query. */
interface Found {
  readonly schema_name: string;
  readonly name: string;
  readonly kind: "table" | "view";
  readonly comment: string | null;
  readonly estimate: number | null;
  readonly definition: string | null;
  readonly columns?: readonly FoundColumn[] | null;
  readonly constraints?: readonly FoundConstraint[] | null;
  readonly indexes?: readonly { readonly name: string; readonly unique: boolean; readonly columns: readonly string[] }[] | null;
}

interface FoundColumn {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly default: string | null;
  readonly comment: string | null;
}

interface FoundConstraint {
  readonly name: string;
  readonly type: string;
  readonly columns: readonly string[];
  readonly expression: string | null;
  readonly table: string | null;
  readonly references: readonly string[];
}

const objects = `
  SELECT schema_name, table_name AS name, 'table' AS kind, comment, estimated_size AS estimate, sql AS definition
  FROM duckdb_tables() WHERE database_name = current_database() AND NOT internal AND NOT temporary
  UNION ALL
  SELECT schema_name, view_name, 'view', comment, NULL, sql
  FROM duckdb_views() WHERE database_name = current_database() AND NOT internal AND NOT temporary`;

const columns = `
  SELECT schema_name, table_name AS name,
    list({name: column_name, type: data_type, nullable: is_nullable, "default": column_default, comment: comment} ORDER BY column_index) AS columns
  FROM duckdb_columns() WHERE database_name = current_database() AND NOT internal GROUP BY ALL`;

const constraints = `
  SELECT schema_name, table_name AS name,
    list({name: constraint_name, type: constraint_type, columns: constraint_column_names, expression: expression,
      "table": referenced_table, "references": referenced_column_names} ORDER BY constraint_index) AS constraints
  FROM duckdb_constraints() WHERE database_name = current_database() GROUP BY ALL`;

const indexes = `
  SELECT schema_name, table_name AS name, list({name: index_name, "unique": is_unique, columns: expressions::VARCHAR[]} ORDER BY index_name) AS indexes
  FROM duckdb_indexes() WHERE database_name = current_database() GROUP BY ALL`;

const joined: Readonly<Record<CatalogDetail, Readonly<Record<string, string>>>> = {
  names: {},
  columns: { columns },
  full: { columns, constraints, indexes },
};

/** Everything asked for, in one statement; its parameters are a schema and a name, or NULL. */
export function catalogSql({ detail }: Pick<CatalogRequest, "detail">): string {
  const parts = Object.entries(joined[detail]);
  const joins = parts.map(([name, sql]) => `LEFT JOIN (${sql}) AS of_${name} USING (schema_name, name)`);
  return `SELECT objects.*${parts.map(([name]) => `, of_${name}.${name}`).join("")} FROM (${objects}) AS objects ${joins.join(" ")}
    WHERE ($1::VARCHAR IS NULL OR lower(schema_name) = lower($1)) AND ($2::VARCHAR IS NULL OR lower(objects.name) = lower($2))
    ORDER BY schema_name, objects.name`;
}

/** Reads a row of `catalogSql`, given as a record. */
export function catalogObject(row: Readonly<Record<string, Value>>, detail: CatalogDetail, views: readonly FileView[]): CatalogObject {
  const found = row as unknown as Found;
  const estimate = found.estimate ?? views.find(({ name }) => name === found.name)?.rows;
  return {
    schema: found.schema_name,
    name: found.name,
    kind: found.kind,
    ...(found.comment !== null && { comment: found.comment }),
    ...(estimate !== undefined && { estimatedRows: estimate }),
    ...(found.columns && { columns: found.columns.map((column) => catalogColumn(column, found.definition ?? "")) }),
    ...(detail === "full" && keysOf(found)),
    ...(detail === "full" && found.definition !== null && { definition: found.definition }),
  };
}

function catalogColumn(column: FoundColumn, definition: string): CatalogColumn {
  const native = catalogType(column.type);
  const written = ` ${column.type} GENERATED ALWAYS AS(`;
  const generated = [column.name, `"${column.name.replaceAll('"', '""')}"`].some((name) => definition.includes(name + written));
  return {
    name: column.name,
    type: logicalType(native),
    nativeType: native,
    nullable: column.nullable,
    ...(column.default !== null && { default: column.default }),
    ...(generated && { generated }),
    ...(column.comment !== null && { comment: column.comment }),
  };
}

function keysOf({ schema_name, constraints, indexes }: Found): Partial<CatalogObject> {
  const of = (type: string) => (constraints ?? []).filter((constraint) => constraint.type === type);
  const foreignKeys = of("FOREIGN KEY").map(
    ({ columns, table, references }): ForeignKey => ({
      columns,
      references: { schema: schema_name, name: table ?? "", columns: references },
    }),
  );
  const unique = of("UNIQUE").map(({ name, columns }): CatalogIndex => ({ name, unique: true, columns }));
  const named = (indexes ?? []).map(({ columns, ...index }): CatalogIndex => ({ ...index, columns: columns.map(plainName) }));
  return {
    primaryKey: of("PRIMARY KEY")[0]?.columns ?? [],
    foreignKeys,
    indexes: [...named, ...unique],
    checks: of("CHECK").flatMap(({ expression }) => expression ?? []),
  };
}

/** The engine quotes an indexed column as SQL would; other expressions stay as they are. */
function plainName(expression: string): string {
  return /^"(?:[^"]|"")*"$/.test(expression) ? expression.slice(1, -1).replaceAll('""', '"') : expression;
}
