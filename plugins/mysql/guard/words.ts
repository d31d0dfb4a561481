const set = (...lines: readonly string[]): ReadonlySet<string> => new Set(lines.flatMap((line) => line.split(" ")));

/** Words that end an expression or begin a clause, so that without backticks they are no names. */
export const reserved: ReadonlySet<string> = set(
  "all and any as asc between binary by call case check collate column create cross delete desc distinct distinctrow div drop else",
  "except exists explain false fetch for force foreign from fulltext grant group having ignore in index inner insert intersect interval",
  "into is join key keys kill left like limit load lock match mod natural not null offset on or order outer over partition primary",
  "procedure references regexp rename replace return returning right rlike select separator set show sql_big_result sql_calc_found_rows",
  "sql_small_result straight_join table then to trigger true union unique unlock update use using values when where window with write xor",
);

/** Reserved words that name a function where a parenthesis follows. */
export const calledWords: ReadonlySet<string> = set("if insert left mod replace right values");

/** Names that call without parentheses. */
export const bareCalls: ReadonlySet<string> = set(
  "current_date current_role current_time current_timestamp current_user localtime localtimestamp utc_date utc_time utc_timestamp",
);

/** Functions that the servers know by their grammar, and only where the parenthesis follows at once. */
export const touching: ReadonlySet<string> = set(
  "adddate bit_and bit_or bit_xor cast count curdate curtime date_add date_sub extract group_concat json_arrayagg json_objectagg max",
  "mid min now position session_user st_collect std stddev stddev_pop stddev_samp subdate substr substring sum sysdate system_user trim",
  "variance var_pop var_samp",
);

export const units: ReadonlySet<string> = set(
  "microsecond second minute hour day week month quarter year second_microsecond minute_microsecond minute_second hour_microsecond",
  "hour_second hour_minute day_microsecond day_second day_minute day_hour year_month",
  "sql_tsi_second sql_tsi_minute sql_tsi_hour sql_tsi_day sql_tsi_week sql_tsi_month sql_tsi_quarter sql_tsi_year",
);

/** Those whose first argument is a unit, or the name of a format. */
export const unitFirst: ReadonlySet<string> = set("extract timestampadd timestampdiff get_format");

/** Between two operands. Which binds closer does not matter for what is reached. */
export const betweenOperands: ReadonlySet<string> = set(
  "and or xor && || = <=> >= > <= < <> != like regexp rlike in between div mod + - * / % ^ | & << >> escape -> ->>",
);

export const beforeOperand: ReadonlySet<string> = set("not ! - + ~ binary row any all some");

export const characterSets: ReadonlySet<string> = set(
  "_armscii8 _ascii _big5 _binary _cp1250 _cp1251 _cp1256 _cp1257 _cp850 _cp852 _cp866 _cp932 _dec8 _eucjpms _euckr _gb18030 _gb2312",
  "_gbk _geostd8 _greek _hebrew _hp8 _keybcs2 _koi8r _koi8u _latin1 _latin2 _latin5 _latin7 _macce _macroman _sjis _swe7 _tis620 _ucs2",
  "_ujis _utf16 _utf16le _utf32 _utf8 _utf8mb3 _utf8mb4",
);
