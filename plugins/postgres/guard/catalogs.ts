import type { RelationUse } from "../../../core/contract/analysis.ts";

type Tells = RelationUse["tells"];

const secrets = new Set(
  "pg_authid pg_shadow pg_user_mapping pg_user_mappings pg_subscription pg_hba_file_rules pg_ident_file_mappings pg_file_settings pg_dist_authinfo".split(
    " ",
  ),
);

/** What tells of names, types and rights only. Whatever is not listed may tell of values, of plans or of what others do. */
const structure = new Set(
  [
    "pg_aggregate pg_am pg_amop pg_amproc pg_attrdef pg_attribute pg_auth_members pg_available_extension_versions pg_available_extensions pg_cast pg_class",
    "pg_collation pg_constraint pg_conversion pg_database pg_default_acl pg_depend pg_description pg_enum pg_event_trigger pg_extension",
    "pg_foreign_data_wrapper pg_foreign_table pg_group pg_index pg_indexes pg_inherits pg_init_privs pg_language pg_matviews pg_namespace",
    "pg_opclass pg_operator pg_opfamily pg_partitioned_table pg_policies pg_policy pg_proc pg_publication pg_publication_namespace",
    "pg_publication_rel pg_publication_tables pg_range pg_rewrite pg_roles pg_rules pg_seclabel pg_seclabels pg_sequence pg_shdepend",
    "pg_shdescription pg_shseclabel pg_statistic_ext pg_tables pg_tablespace pg_timezone_abbrevs pg_timezone_names pg_transform pg_trigger",
    "pg_ts_config pg_ts_config_map pg_ts_dict pg_ts_parser pg_ts_template pg_type pg_user pg_views",
    "geometry_columns geography_columns spatial_ref_sys raster_columns raster_overviews",
  ].flatMap((line) => line.split(" ")),
);

/** What of the catalog tells names and types, by relation; beside these columns others tell more. */
const namingColumns = new Map(
  [
    "pg_class oid relname relnamespace reltype relkind relpersistence relhasindex relispartition relam relowner relnatts reloftype relhassubclass",
    "pg_namespace oid nspname nspowner",
    "pg_attribute attrelid attname atttypid attnum attnotnull atttypmod attlen attisdropped atthasdef attidentity attgenerated attndims attcollation",
    "pg_type oid typname typnamespace typtype typcategory typrelid typelem typbasetype typnotnull typlen typarray typtypmod",
    "pg_tables schemaname tablename tableowner tablespace hasindexes hasrules hastriggers rowsecurity",
    "pg_views schemaname viewname viewowner",
    "pg_matviews schemaname matviewname matviewowner tablespace hasindexes ispopulated",
    "pg_indexes schemaname tablename indexname tablespace",
    "pg_index indexrelid indrelid indisunique indisprimary indisvalid indkey indnatts indnkeyatts",
    "pg_constraint oid conname connamespace contype conrelid confrelid conkey confkey condeferrable convalidated",
    "pg_enum oid enumtypid enumlabel enumsortorder",
    "pg_proc oid proname pronamespace prorettype proargnames proargtypes pronargs prokind provolatile prolang proisstrict",
    "pg_inherits inhrelid inhparent inhseqno",
    "pg_partitioned_table partrelid partstrat partnatts partattrs",
    "pg_database oid datname",
    "pg_extension oid extname extversion extnamespace",
    "pg_am oid amname amtype",
    "pg_collation oid collname collnamespace",
    "pg_timezone_names name abbrev utc_offset is_dst",
    "pg_timezone_abbrevs abbrev utc_offset is_dst",
    "pg_available_extensions name default_version installed_version comment",
  ].map((line) => {
    const [name = "", ...columns] = line.split(" ");
    return [name, new Set(columns)] as const;
  }),
);

const namingViews =
  /^(?:tables|columns|views|schemata|key_column_usage|table_constraints|referential_constraints|constraint_(?:column|table)_usage|routines|parameters|domains|triggers|check_constraints|element_types|information_schema_catalog_name|sequences)$/;
const tellingColumns = /default|expression|definition|clause|condition|statement|options|value|increment/;

/** Whether a column of the engine's own relations tells names and types only; without a column, whether any of the relation's does. */
export function isNaming(schema: string, relation: string, column?: string): boolean {
  if (schema === "information_schema") return namingViews.test(relation) && (column === undefined || !tellingColumns.test(column));
  if (schema !== "pg_catalog") return false;
  const columns = namingColumns.get(relation);
  return columns !== undefined && (column === undefined || columns.has(column));
}

/** What a relation of the engine's own, or of an extension, tells; nothing for a user's relation. */
export function tellsOf(schema: string, name: string, extension: string | null): Tells {
  const own = schema === "pg_catalog" || schema === "information_schema" || schema.startsWith("pg_toast");
  if (!own && extension === null) return undefined;
  if (secrets.has(name)) return "secrets";
  if (schema === "information_schema")
    return /^(?:user_mapping|_pg_user_mapping|foreign_server_options|_pg_foreign_server)/.test(name)
      ? "secrets"
      : isNaming(schema, name)
        ? "names"
        : "structure";
  if (isNaming(schema, name)) return "names";
  return structure.has(name) ? "structure" : "contents";
}

/** Types whose values are names of things in the catalog, and what they are looked up in. */
export const lookups: Readonly<Record<string, string>> = {
  regclass: "pg_class",
  regproc: "pg_proc",
  regprocedure: "pg_proc",
  regoper: "pg_operator",
  regoperator: "pg_operator",
  regtype: "pg_type",
  regrole: "pg_roles",
  regnamespace: "pg_namespace",
  regcollation: "pg_collation",
};

/** Functions that answer from the catalog, or from what the engine keeps about a table's rows. */
export function catalogOf(name: string): { readonly name: string; readonly tells: "names" | "structure" | "contents" } | undefined {
  if (sizes.test(name)) return { name: "pg_class", tells: "contents" };
  if (naming.test(name)) return { name: "pg_class", tells: "names" };
  return structural.test(name) ? { name: "pg_class", tells: "structure" } : undefined;
}

const sizes = /^pg_(?:(?:relation|table|indexes|total_relation|database|tablespace)_size|stat_.*|sequence_.*)$/;
const naming = /^(?:to_reg[a-z]+|reg[a-z]+|has_\w+|pg_has_role|pg_\w+_is_visible|pg_get_(?:keywords|userbyid)|pg_input_\w+)$/;
const structural = new RegExp(
  `^(?:${[
    "pg_get_|(?:obj|col|shobj)_description$|pg_describe_|pg_identify_|pg_partition_",
    "pg_index|pg_relation_is_|pg_column_is_|row_security_",
  ].join("|")})`,
);

/** Settings that tell how the engine reads, plans and writes, and nothing about who uses it or where it is. */
export const isPlainSetting = (name: string): boolean => plainSettings.has(name) || plainNumbers.test(name);

const plainNumbers =
  /^(?:enable_\w+|jit\w*|max_\w+|(?:min_)?parallel_\w+|autovacuum\w*|vacuum_\w+|geqo\w*|default_\w+|track_\w+|\w+_(?:cost|limit|timeout|mem|buffers|workers|target|isolation))$/;

const plainSettings: ReadonlySet<string> = new Set(
  [
    "application_name array_nulls backslash_quote block_size bytea_output client_encoding datestyle default_text_search_config",
    "default_transaction_isolation default_transaction_read_only extra_float_digits in_hot_standby integer_datetimes intervalstyle is_superuser jit lc_collate",
    "lc_ctype lc_messages lc_monetary lc_numeric lc_time max_identifier_length role search_path server_encoding server_version",
    "server_version_num session_authorization standard_conforming_strings statement_timeout timezone transaction_isolation",
    "transaction_read_only transaction_deferrable xmlbinary xmloption effective_cache_size effective_io_concurrency constraint_exclusion cursor_tuple_fraction",
    "plan_cache_mode row_security wal_level fsync full_page_writes synchronous_commit data_checksums segment_size wal_block_size",
    "check_function_bodies escape_string_warning quote_all_identifiers password_encryption ssl from_collapse_limit join_collapse_limit stats_fetch_consistency",
  ].flatMap((line) => line.split(" ")),
);
