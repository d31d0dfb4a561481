/**
 * Functions that change something, or reach outside the database, and that a read-only transaction
 * lets through or undoes too late. Matched by name wherever they are called.
 */
const patterns: readonly (readonly ["write" | "session" | "admin", RegExp])[] = [
  [
    "write",
    /^(?:nextval|setval|lo_(?:creat|create|from_bytea|put|import|export|unlink|open|truncate|truncate64)|lowrite|pg_notify|pg_logical_emit_message)$/,
  ],
  ["session", /^(?:set_config|setseed|pg_(?:try_)?advisory_.*|pg_export_snapshot)$/],
  [
    "admin",
    /^(?:pg_(?:cancel|terminate)_backend|pg_reload_conf|pg_rotate_logfile.*|pg_promote|pg_switch_wal|pg_create_restore_point|pg_(?:wal|xlog)_replay_.*|pg_(?:start|stop)_backup|pg_backup_.*|pg_log_.*|pg_log_backend_memory_contexts|pg_import_system_collations|pg_stat_(?:reset|clear).*|pg_stat_statements_reset|pg_stat_force_next_flush|pg_.*_slot(?:s|_advance|_changes|_peek_.*)?|pg_copy_.*_slot|pg_logical_slot_.*|pg_replication_.*|pg_sync_replication_slots|pg_restore_.*_stats|pg_clear_.*_stats|pg_read_.*file.*|pg_stat_file|pg_ls_.*|pg_file_.*|pg_logdir_ls|pg_current_logfile|pg_config|pg_hba_file_rules|pg_ident_file_mappings|pg_show_all_file_settings|pg_extension_config_dump|pg_prewarm|pg_sleep.*|brin_(?:de)?summarize_.*|gin_clean_pending_list|dblink.*|postgres_fdw_.*|query_to_xml.*|cursor_to_xml.*|table_to_xml.*|schema_to_xml.*|database_to_xml.*|crosstab.*|connectby|ts_stat|ts_rewrite|xpath_table|http(?:_(?:get|post|put|patch|delete|head))?|binary_upgrade_.*)$/,
  ],
];

export function kindOfFunction(name: string): "write" | "session" | "admin" | undefined {
  return patterns.find(([, pattern]) => pattern.test(name))?.[0];
}
