import type { RelationUse } from "../../../core/contract/analysis.ts";
import type { Lexed } from "./lexer.ts";
import type { Parsed } from "./parse-statement.ts";

export interface RelationColumn {
  readonly name: string;
  /** As the server writes it: `varchar(80)`. */
  readonly type: string;
  /** Left out by a star. */
  readonly invisible: boolean;
  /** The expression it is computed by, from other columns. */
  readonly made?: string;
}

/** An order in which a server may find rows. */
export interface RelationIndex {
  readonly name: string;
  /** Its columns, and the texts of its expressions. */
  readonly parts: readonly string[];
  /** True when rows lie in its order, so that they are found in it where no index is used. */
  readonly clustered: boolean;
}

/** A table or view by its identity in the server's catalog. */
export interface Relation {
  readonly schema: string;
  readonly name: string;
  readonly kind: "table" | "view" | "catalog";
  readonly tells?: RelationUse["tells"];
  readonly columns: readonly RelationColumn[];
  readonly indexes?: readonly RelationIndex[];
  /** The expressions that say which partition a row lies in. */
  readonly partitioned?: string;
  /** True when it keeps the rows it had. */
  readonly historic?: boolean;
  /** True when it is made of other tables, which it does not name here. */
  readonly merge?: boolean;
  /** The query of a view; absent where this user may not see it, or where it could not be understood. */
  readonly body?: Body;
}

export interface Body {
  readonly lexed: Lexed;
  readonly parsed: Extract<Parsed, { readonly kind: "query" }>;
}

/** What is known of a server's names at one moment. */
export interface Snapshot {
  /** The database that unqualified names mean. */
  readonly database: string | undefined;
  /** True where the server tells names of tables apart by case. */
  readonly caseSensitive: boolean;
  readonly isMariaDb: boolean;
  /** Stored functions of the database, in lower case: some hide a function that other versions of the server have. */
  readonly routines: ReadonlySet<string>;
  relation(schema: string, name: string): Relation | undefined;
}

const systemSchemas: ReadonlySet<string> = new Set(["information_schema", "mysql", "performance_schema", "sys"]);

export const isSystem = (schema: string): boolean => systemSchemas.has(schema.toLowerCase());

/** Relations of the servers' own that tell values, plans, settings or what others do. */
const contentful =
  /processlist|status|variables|innodb_|statistics$|privileges|profiling|trace|files|user_|_users?$|column_statistics|client_|locks|wsrep|replication|binlog|host_cache|metadata_lock|memory|tablespaces/i;
/** Of `mysql`, everything else may hold credentials or the texts of statements. */
const plainOfMysql = /^(?:time_zone.*|help_.*)$/i;
const contentfulOfMysql =
  /^(?:innodb_.*|column_stats|table_stats|index_stats|db|tables_priv|columns_priv|procs_priv|roles_mapping|role_edges|func|plugin|component|proc|event|engine_cost|server_cost|gtid.*)$/i;
const secretAnywhere = /keyring|replication_connection_configuration|session_(?:account_)?connect_attrs|^user_variables/i;

/** What a relation of the server's own tells. */
export function tellsOf(schema: string, name: string): NonNullable<RelationUse["tells"]> {
  if (secretAnywhere.test(name)) return "secrets";
  if (schema.toLowerCase() === "mysql")
    return plainOfMysql.test(name) ? "structure" : contentfulOfMysql.test(name) ? "contents" : "secrets";
  if (schema.toLowerCase() !== "information_schema") return "contents";
  return contentful.test(name) && !/^(?:statistics|innodb_sys_(?:tables|columns|indexes|fields))$/i.test(name) ? "contents" : "structure";
}
