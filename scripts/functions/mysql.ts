import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { mariaDbAbsence, startMariaDb } from "../../tests/support/services-mysql.ts";
import { root } from "../targets.ts";

/**
 * Writes the list of functions the guard of MySQL and MariaDB trusts: all that a MariaDB lists itself, and those that only
 * MySQL's manual or the grammars know, without those that were reviewed and found to change, wait, lock or reach files. Run
 * it with a newer server on the path and read what it adds: `bun scripts/functions/mysql.ts`.
 */
const denied: Readonly<Record<string, string>> = {
  wait: "sleep benchmark master_pos_wait source_pos_wait master_gtid_wait wait_for_executed_gtid_set wait_until_sql_thread_after_gtids wsrep_sync_wait_upto_gtid",
  lock: "get_lock release_lock release_all_locks is_free_lock is_used_lock service_get_read_locks service_get_write_locks service_release_locks",
  "reach files": "load_file",
  "change sequences and counters": "nextval lastval setval uuid_short",
  "change the session or the server":
    "set_user_var set_var asynchronous_connection_failover_add_source group_replication_set_as_primary audit_log_filter_set_filter keyring_key_store version_tokens_set",
  "run programs": "sys_exec sys_eval sys_get sys_set",
  "tell of the cluster": "wsrep_last_written_gtid wsrep_last_seen_gtid binlog_gtid_pos",
  "are the server's own, inside views":
    "decode_oracle concat_operator_oracle trim_oracle lpad_oracle ltrim_oracle replace_oracle rpad_oracle rtrim_oracle substr_oracle",
};

/** What these tell is of statements before, which on a shared connection are somebody else's: trusted where a policy names them alone. */
const elsewhere = "found_rows row_count last_insert_id";

/** The grammars have these, so that no server lists them. */
const grammar = `
  adddate any_value ascii avg bit_and bit_or bit_xor cast char charset coalesce collation contains convert count cume_dist curdate
  current_date current_role current_time current_timestamp current_user curtime database date date_add date_sub day default dense_rank
  extract first_value format get_format group_concat grouping hour if insert interval json_arrayagg json_objectagg json_table lag
  last_value lead left localtime localtimestamp max median microsecond mid min minute mod month now nth_value ntile password
  percent_rank percentile_cont percentile_disc position quarter rank repeat replace reverse right row_count row_number schema second
  session_user st_collect std stddev stddev_pop stddev_samp subdate substr substring sum sysdate system_user time timestamp
  timestampadd timestampdiff trim truncate user utc_date utc_time utc_timestamp value values var_pop var_samp variance weight_string
  year ed25519_password to_date months_between rownum`;

/** https://dev.mysql.com/doc/refman/9.4/en/built-in-function-reference.html: what MariaDB lacks. */
const mysqlOnly = `
  bin_to_uuid format_bytes format_pico_time gtid_subset gtid_subtract is_uuid json_schema_valid json_schema_validation_report
  json_storage_free json_storage_size json_pretty ps_current_thread_id ps_thread_id regexp_like statement_digest
  statement_digest_text string_to_vector to_vector from_vector vector_to_string vector_dim distance vector_distance uuid_to_bin
  icu_version json_value
  st_distance_sphere st_frechetdistance st_geohash st_hausdorffdistance st_latfromgeohash st_latitude st_longfromgeohash st_longitude
  st_lineinterpolatepoint st_lineinterpolatepoints st_makeenvelope st_pointatdistance st_pointfromgeohash st_swapxy st_symdifference
  st_transform st_validate st_simplify st_srid st_x st_y mbrcoveredby mbrcovers`;

/** Of newer MariaDB versions than the one that is asked. */
const mariaDbOnly = `
  format_pico_time json_object_filter_keys json_object_to_array json_array_intersect json_key_value json_schema_valid kdf natural_sort_key
  to_number vec_distance vec_distance_cosine vec_distance_euclidean vec_fromtext vec_totext crc32c uuid_v4 uuid_v7 column_create
  column_add column_delete column_get mbrequal trunc`;

/** Spatial functions only compute. */
const spatial = `
  area asbinary astext aswkb aswkt boundary buffer centroid convexhull crosses dimension disjoint endpoint envelope equals exteriorring
  geomcollfromtext geomcollfromwkb geometrycollection geometrycollectionfromtext geometrycollectionfromwkb geometryfromtext geometryn geometrytype geomfromtext
  geomfromwkb geometryfromwkb glength interiorringn intersects isclosed isempty isring issimple linefromtext linefromwkb linestring linestringfromtext
  linestringfromwkb mbrcontains mbrdisjoint mbrequal mbrequals mbrintersects mbroverlaps mbrtouches mbrwithin mlinefromtext mlinefromwkb mpointfromtext
  mpointfromwkb mpolyfromtext mpolyfromwkb multilinestring multilinestringfromtext multilinestringfromwkb multipoint multipointfromtext
  multipointfromwkb multipolygon multipolygonfromtext multipolygonfromwkb numgeometries numinteriorrings numpoints overlaps point pointfromtext pointfromwkb
  pointn pointonsurface polyfromtext polyfromwkb polygon polygonfromtext polygonfromwkb srid startpoint st_area st_asbinary st_asgeojson
  st_astext st_aswkb st_aswkt st_boundary st_buffer st_buffer_strategy st_centroid st_contains st_convexhull st_crosses st_difference
  st_dimension st_disjoint st_distance st_endpoint st_envelope st_equals st_exteriorring st_geomcollfromtext st_geomcollfromwkb
  st_geometrycollectionfromtext st_geometryfromtext st_geometryfromwkb st_mpointfromwkb st_mlinefromwkb st_mpolyfromwkb st_polygonfromwkb st_geometryn st_geometrytype st_geomfromgeojson st_geomfromtext st_geomfromwkb
  st_interiorringn st_intersection st_intersects st_isclosed st_isempty st_isring st_issimple st_isvalid st_length st_linefromtext
  st_linefromwkb st_linestringfromtext st_mlinefromtext st_mpointfromtext st_mpolyfromtext st_multilinestringfromtext
  st_multipointfromtext st_multipolygonfromtext st_numgeometries st_numinteriorring st_numinteriorrings st_numpoints st_overlaps
  st_pointfromtext st_pointfromwkb st_pointn st_pointonsurface st_polyfromtext st_polyfromwkb st_polygonfromtext st_relate st_startpoint
  st_symdifference st_touches st_union st_within touches within x y`;

const names = (text: string): string[] => text.split(/\s+/).filter((name) => name !== "");

const absence = mariaDbAbsence();
if (absence !== undefined) throw new Error(absence);
const server = await startMariaDb();
const listed = names(server.run("select lower(function) from information_schema.sql_functions"));
const { version } = server;
await server.stop();

const refused = new Set(Object.values(denied).flatMap(names));
const untrusted = new Set([...refused, ...names(elsewhere)]);
const all = new Set([...listed, ...[grammar, mysqlOnly, mariaDbOnly, spatial].flatMap(names)]);
const trusted = [...all].filter((name) => /^\w+$/.test(name) && !untrusted.has(name)).sort();
const wrapped = (words: readonly string[]): string => {
  const lines: string[] = [""];
  for (const word of words) {
    const line = lines.at(-1) ?? "";
    if (line.length + word.length > 130) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.map((line) => `  ${JSON.stringify(line)},`).join("\n");
};
writeFileSync(
  join(root, "plugins/mysql/guard/functions.ts"),
  `/** Functions that change nothing and reach nothing, of MariaDB ${version.replace(/-.*/, "")} and MySQL 9. Written by scripts/functions/mysql.ts. */
const trusted = [
${wrapped(trusted)}
];

const refused = [
${wrapped([...refused].sort())}
];

/** What a SELECT may call, in lower case. */
export const trustedFunctions: ReadonlySet<string> = new Set(trusted.flatMap((line) => line.split(" ")));

/** What no statement that reads may call, whoever vouches for it. */
export const refusedFunctions: ReadonlySet<string> = new Set(refused.flatMap((line) => line.split(" ")));

/** With an argument these change what they tell. */
export const aloneOnly: ReadonlySet<string> = new Set(["last_insert_id"]);
`,
);
