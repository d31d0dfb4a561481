/** Functions of the servers that change nothing and read nothing but rows; not locks, files, replication, or what sets the last insert id. */
export const harmlessFunctions: ReadonlySet<string> = new Set(
  `
    abs acos add_months adddate addtime aes_decrypt aes_encrypt against any_value area asbinary asin astext aswkb aswkt atan atan2
    avg benchmark bin bin_to_uuid binlog_gtid_pos bit_and bit_count bit_length bit_or bit_xor cast ceil ceiling centroid char
    char_length character_length charset chr coalesce coercibility collation column_check column_exists column_json column_list
    compress concat concat_ws connection_id contains conv convert convert_tz cos cot count crc32 crc32c crosses cume_dist curdate
    current_date current_role current_time current_timestamp current_user curtime database date date_add date_format date_sub
    datediff day dayname dayofmonth dayofweek dayofyear decode default degrees dense_rank des_decrypt des_encrypt dimension disjoint
    distance div elt encode encrypt envelope equals exists exp export_set extract extractvalue field find_in_set first_value floor
    format format_bytes format_pico_time found_rows from_base64 from_days from_unixtime geomcollection geometrycollection
    geometryfromtext geometrytype geomfromtext geomfromwkb get_format glength greatest group_concat grouping hex hour if ifnull
    inet6_aton inet6_ntoa inet_aton inet_ntoa insert instr intersects interval is_ipv4 is_ipv4_compat is_ipv4_mapped is_ipv6 is_uuid
    isnull json_array json_array_append json_array_insert json_arrayagg json_compact json_contains json_contains_path json_depth
    json_detailed json_equals json_exists json_extract json_insert json_keys json_length json_loose json_merge json_merge_patch
    json_merge_preserve json_normalize json_object json_objectagg json_overlaps json_pretty json_query json_quote json_remove
    json_replace json_schema_valid json_schema_validation_report json_search json_set json_storage_free json_storage_size json_table
    json_type json_unquote json_valid json_value lag last_day lateral lcase lead least left length lengthb linefromtext linestring
    ln localtime localtimestamp locate log log10 log2 lower lpad ltrim make_set makedate maketime match max md5 median microsecond
    mid min minute mod month monthname multilinestring multipoint multipolygon name_const natural_sort_key now nth_value ntile
    nullif numpoints nvl nvl2 oct octet_length old_password ord overlaps password percent_rank percentile_cont percentile_disc
    period_add period_diff pi point pointfromtext polyfromtext polygon position pow power ps_current_thread_id ps_thread_id quarter
    quote radians rand random_bytes rank regexp_instr regexp_like regexp_replace regexp_substr repeat replace reverse right round
    row row_count row_number rpad rtrim schema schemas sec_to_time second session_user sformat sha sha1 sha2 sign sin sleep soundex
    space sqrt srid statement_digest statement_digest_text std stddev stddev_pop stddev_samp str_to_date strcmp string_to_vector
    subdate substr substring substring_index subtime sum sys_guid sysdate system_user tan time time_format time_to_sec timediff
    timestamp timestampadd timestampdiff to_base64 to_char to_days to_number to_seconds touches trim truncate ucase uncompress
    uncompressed_length unhex unix_timestamp updatexml upper user utc_date utc_time utc_timestamp uuid uuid_to_bin value values
    var_pop var_samp variance vec_distance vec_distance_cosine vec_distance_euclidean vec_fromtext vec_totext vector_dim
    vector_to_string version week weekday weekofyear weight_string within x y year yearweek
`.split(/\s+/),
);

/** Spatial functions: all of them only compute. */
export const harmlessPrefix = /^(?:st_|mbr)/;

/** Words that may stand before a parenthesis and call nothing. */
export const plainWords: ReadonlySet<string> = new Set(
  `
    all and any as between binary bit by case character collate columns cross datetime dec decimal desc describe distinct
    distinctrow double else end escape except explain extended fixed float for force format from group having ignore in index inner
    int integer intersect is join key kill like limit minus national natural nchar nested not numeric of offset on or order outer
    over partition path real recursive regexp return returns rlike rollup select separator signed some sounds straight_join
    system_time table then to union unsigned use using varbinary varchar when where window with xor
`.split(/\s+/),
);
