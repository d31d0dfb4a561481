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

/** What a relation of the engine's own, or of an extension, tells; nothing for a user's relation. */
export function tellsOf(schema: string, name: string, extension: string | null): Tells {
  const own = schema === "pg_catalog" || schema === "information_schema" || schema.startsWith("pg_toast");
  if (!own && extension === null) return undefined;
  if (secrets.has(name)) return "secrets";
  if (schema === "information_schema")
    return /^(?:user_mapping|_pg_user_mapping|foreign_server_options|_pg_foreign_server)/.test(name) ? "secrets" : "structure";
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
export function catalogOf(name: string): { readonly name: string; readonly tells: "structure" | "contents" } | undefined {
  if (sizes.test(name)) return { name: "pg_class", tells: "contents" };
  return structural.test(name) ? { name: "pg_class", tells: "structure" } : undefined;
}

const sizes = /^pg_(?:(?:relation|table|indexes|total_relation|database|tablespace)_size|stat_.*|sequence_.*)$/;
const structural = new RegExp(
  `^(?:${[
    "pg_get_|to_reg|reg[a-z]+$|has_|(?:obj|col|shobj)_description$|pg_describe_|pg_identify_|pg_.*_is_visible$|pg_partition_",
    "pg_index|pg_input_|pg_relation_is_|pg_column_is_|row_security_|pg_has_role$",
  ].join("|")})`,
);

/** Settings that tell how the engine reads and writes, and nothing about who uses it. */
export const plainSettings: ReadonlySet<string> = new Set(
  [
    "application_name array_nulls backslash_quote block_size bytea_output client_encoding datestyle default_text_search_config",
    "default_transaction_isolation default_transaction_read_only extra_float_digits in_hot_standby integer_datetimes intervalstyle is_superuser jit lc_collate",
    "lc_ctype lc_messages lc_monetary lc_numeric lc_time max_identifier_length role search_path server_encoding server_version",
    "server_version_num session_authorization standard_conforming_strings statement_timeout timezone transaction_isolation",
    "transaction_read_only transaction_deferrable work_mem xmlbinary xmloption lock_timeout idle_in_transaction_session_timeout",
  ].flatMap((line) => line.split(" ")),
);
