import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type EmbeddedMajor, embeddedPostgres } from "../../tests/support/services-embedded.ts";
import { startPostgres, systemPostgres } from "../../tests/support/services-postgres.ts";
import { root } from "../targets.ts";

/**
 * Writes the lists of functions the guard of PostgreSQL goes by: those it trusts, and all others that the engine has. Trusted is what
 * every version found here calls immutable or stable, and a few that are volatile, without those that were reviewed and found to run text
 * as SQL, to tell of the server or of what others do, or to take a number of their own. Functions whose name begins with `pg_` are trusted
 * only when they are listed here. Run it again for a new version and read what it adds: `bun scripts/functions/postgres.ts`.
 */
const denied: Readonly<Record<string, RegExp>> = {
  "run text as SQL": /^(?:(?:query|table|schema|database|cursor)_to_xml|ts_stat$|ts_rewrite$)/,
  "take a number that others see": /^(?:txid_current$|pg_current_xact_id$)/,
  "read settings, which are looked at by name": /^current_setting$/,
  "tell of sequences": /^(?:currval|lastval)$/,
  "read a table named by a text": /^currtid/,
  "large objects": /^(?:lo_|loread|lowrite)/,
  "only the engine calls them":
    /_validator$|^(?:binary_upgrade_|RI_FKey_|satisfies_hash_partition|shobj_description_internal|unique_key_recheck|suppress_redundant)/,
};

/** Volatile, and harmless all the same. */
const volatileButHarmless =
  /^(?:random|random_normal|gen_random_uuid|uuidv[47]|clock_timestamp|timeofday|timezone|array_shuffle|array_sample|pg_is_in_recovery)$/;

/** What begins with `pg_` and was looked through. */
const reviewed = new RegExp(
  `^pg_(?:${[
    "typeof|column_size|column_compression|column_toast_chunk_id|client_encoding|encoding_to_char|char_to_encoding|collation_for|size_pretty|size_bytes",
    "backend_pid|postmaster_start_time|conf_load_time|my_temp_schema|is_in_recovery|is_other_temp_schema|current_snapshot|visible_in_snapshot",
    "snapshot_xip|snapshot_xmax|snapshot_xmin|current_xact_id_if_assigned|trigger_depth|input_is_valid|input_error_info|options_to_table|safe_snapshot_blocking_pids",
    "get_(?:constraintdef|expr|function_arguments|function_identity_arguments|function_result|function_sqlbody|functiondef|function_arg_default|indexdef|keywords|partkeydef)",
    "get_(?:ruledef|serial_sequence|statisticsobjdef|statisticsobjdef_columns|statisticsobjdef_expressions|triggerdef|userbyid|viewdef|partition_constraintdef|catalog_foreign_keys)",
    "[a-z_]+_is_visible|describe_object|identify_object|identify_object_as_address|get_object_address|has_role|index_column_has_property|index_has_property|indexam_has_property",
    "partition_ancestors|partition_root|partition_tree|relation_is_updatable|relation_is_publishable|column_is_updatable|(?:relation|table|indexes|total_relation|database|tablespace)_size",
    "timezone_names|timezone_abbrevs|lsn_\\w+|wal_lsn_diff|char_to_encoding|input_error_info|basetype",
  ].join("|")})$`,
);

/** No call from SQL can have an argument of these types, or their values are made from texts by the functions themselves. */
const internal =
  "internal, cstring, trigger, event_trigger, language_handler, fdw_handler, index_am_handler, tsm_handler, table_am_handler";

const sql = `select json_agg(json_build_array(proname, volatiles, callable)) from (
  select p.proname, count(*) filter (where p.provolatile = 'v' and callable) as volatiles, count(*) filter (where callable) as callable
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace,
    lateral (select not exists (select from unnest(p.proargtypes || p.prorettype) as t (oid) where t.oid::regtype::text in (select trim(unnest(string_to_array('${internal}', ','))))) as callable) as c
  where n.nspname = 'pg_catalog' and p.oid < 16384 group by p.proname) as f`;

type Found = readonly [name: string, volatiles: number, callable: number];

const servers: (readonly [string, string])[] = [];
const system = systemPostgres();
if (typeof system === "string") servers.push(["system", system]);
for (const major of [12, 14, 16, 17, 18] satisfies EmbeddedMajor[]) {
  const bin = embeddedPostgres(major);
  if (typeof bin === "string") servers.push([String(major), bin]);
  else console.log(`PostgreSQL ${major} is left out: ${bin.absent}`);
}

const refused = new Set<string>();
const all = new Set<string>();
const versions: string[] = [];
for (const [, bin] of servers) {
  const server = await startPostgres(bin);
  try {
    versions.push(server.psql("show server_version_num").slice(0, 2));
    for (const [name, volatiles, callable] of JSON.parse(server.psql(sql)) as readonly Found[]) {
      all.add(name);
      if (!isTrusted(name, volatiles, callable)) refused.add(name);
    }
  } finally {
    await server.stop();
  }
}

function isTrusted(name: string, volatiles: number, callable: number): boolean {
  if (callable === 0 || Object.values(denied).some((pattern) => pattern.test(name))) return false;
  if (name.startsWith("pg_")) return reviewed.test(name);
  return volatiles === 0 || volatileButHarmless.test(name);
}

const sorted = [...all].sort();
const wrap = (words: readonly string[]): string => {
  const lines: string[] = [""];
  for (const word of words) {
    const line = lines.at(-1) ?? "";
    if (line.length + word.length > 200) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.map((line) => `  ${JSON.stringify(line)},`).join("\n");
};
writeFileSync(
  join(root, "plugins/postgres/guard/functions.ts"),
  `/** Functions of PostgreSQL ${versions.sort().join(", ")} that change nothing and reach nothing. Written by scripts/functions/postgres.ts. */
const trusted = [
${wrap(sorted.filter((name) => !refused.has(name)))}
];

const others = [
${wrap(sorted.filter((name) => refused.has(name)))}
];

const words = (lines: readonly string[]): ReadonlySet<string> => new Set(lines.flatMap((line) => line.split(" ")));

/** What a query may call, of the engine's own functions. */
export const trustedFunctions = words(trusted);

/** The engine's other functions. */
export const knownFunctions = words(others);
`,
);
