/** The extension an object belongs to. */
const member = (table: string, oid: string) =>
  `left join pg_depend d on d.classid = '${table}'::regclass and d.objid = ${oid} and d.deptype = 'e' left join pg_extension x on x.oid = d.refobjid`;

/** Objects of other sessions cannot be named, and those of this one are first on its path. */
const named = "(n.nspname not like 'pg\\_temp\\_%' and n.nspname not like 'pg\\_toast%' or n.oid = pg_my_temp_schema())";

/** Generated columns, and the columns each is made of. Until PostgreSQL 15 the column depends on them itself, and later its expression does. */
const generated = `select a.attrelid, json_agg(json_build_array(a.attname, b.attname)) as made
  from pg_attribute a join pg_attrdef f on f.adrelid = a.attrelid and f.adnum = a.attnum
  join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = a.attrelid and d.refobjsubid > 0 and d.refobjsubid <> a.attnum
    and (d.classid = 'pg_attrdef'::regclass and d.objid = f.oid or d.classid = 'pg_class'::regclass and d.objid = a.attrelid and d.objsubid = a.attnum)
  join pg_attribute b on b.attrelid = a.attrelid and b.attnum = d.refobjsubid where a.attgenerated <> '' group by a.attrelid`;

/** Relations that have columns a statement can name; indexes have too, and are more. */
const kinds = "('r', 'p', 'v', 'm', 'f', 'S', 'c')";

const relations = `select json_agg(json_build_array(c.oid::int8, n.nspname, c.relname, c.relkind, c.relispartition, x.extname, a.names, a.types, c.reltype::int8, g.made, a.key))
  from pg_class c join pg_namespace n on n.oid = c.relnamespace left join (
    select attrelid, json_agg(attname order by attnum) as names, json_agg(atttypid::int8 order by attnum) as types,
      json_agg(attname) filter (where attnum = any (k.conkey)) as key
    from pg_attribute join pg_class r on r.oid = attrelid and r.relkind in ${kinds}
    left join pg_constraint k on k.conrelid = attrelid and k.contype = 'p' and not k.condeferrable where attnum > 0 and not attisdropped group by attrelid) a on a.attrelid = c.oid
  left join (${generated}) g on g.attrelid = c.oid ${member("pg_class", "c.oid")} where c.relkind in ${kinds} and ${named}`;

const inherits =
  "select json_agg(json_build_array(inhrelid::int8, inhparent::int8)) from pg_inherits i join pg_class c on c.oid = i.inhrelid where c.relkind in ('r', 'p', 'f')";

/** Types that a column list makes are left out: they are found by their relation. */
const types = `select json_agg(json_build_array(t.oid::int8, n.nspname, t.typname, t.typtype, t.typcategory, t.typbasetype::int8, t.typrelid::int8, t.typelem::int8, x.extname,
    t.typtype = 'b' and t.typinput <> 'array_in'::regproc,
    (select json_agg(distinct f.proname) from pg_constraint k join pg_depend u on u.classid = 'pg_constraint'::regclass and u.objid = k.oid and u.refclassid = 'pg_proc'::regclass
      join pg_proc f on f.oid = u.refobjid where k.contypid = t.oid),
    (select json_agg(distinct o.opcname) from pg_opclass o where o.opcintype = t.oid and o.oid >= 16384
      and not exists (select from pg_depend u where u.classid = 'pg_opclass'::regclass and u.objid = o.oid and u.deptype = 'e'))))
  from pg_type t join pg_namespace n on n.oid = t.typnamespace left join pg_type e on e.oid = t.typelem left join pg_class c on c.oid in (t.typrelid, e.typrelid)
  ${member("pg_type", "t.oid")} where ${named} and (c.oid is null or c.relkind = 'c')`;

const shape = `coalesce(p.proargnames, '{}'), p.proargmodes, p.proallargtypes::int8[], p.prorettype::int8`;
const ours = "(p.oid >= 16384 or n.nspname not in ('pg_catalog', 'information_schema'))";

const functions = `select json_agg(json_build_array(n.nspname, p.proname, p.pronargs, p.pronargdefaults, p.provariadic <> 0, p.provolatile, p.prokind, l.lanname, x.extname,
    exists (select from pg_depend u where u.classid = 'pg_proc'::regclass and u.objid = p.oid and u.refclassid = 'pg_type'::regclass and u.deptype = 'i'), ${shape}))
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang ${member("pg_proc", "p.oid")} where ${ours}`;

/** What the engine's own functions give that have more than one column. */
const tables = `select json_agg(json_build_array(p.proname, ${shape})) from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where not ${ours} and (p.proargmodes is not null or p.prorettype in (2249, 2283, 3831, 5077) or exists (select from pg_type t where t.oid = p.prorettype and t.typrelid <> 0))`;

const operators = `select json_agg(json_build_array(n.nspname, o.oprname, x.extname, o.oprleft::int8, o.oprright::int8)) from pg_operator o join pg_namespace n on n.oid = o.oprnamespace
  ${member("pg_operator", "o.oid")} where o.oid >= 16384`;

/** Those of the engine that have the name of one that somebody made. */
const builtIn = `select json_agg(json_build_array(o.oprname, o.oprleft::int8, o.oprright::int8, o.oprresult::int8)) from pg_operator o
  where o.oid < 16384 and o.oprname in (select oprname from pg_operator where oid >= 16384)`;

const casts = `select json_agg(json_build_array(k.castsource::int8, k.casttarget::int8, k.castcontext, n.nspname, p.proname, x.extname))
  from pg_cast k join pg_proc p on p.oid = k.castfunc join pg_namespace n on n.oid = p.pronamespace ${member("pg_proc", "p.oid")} where k.oid >= 16384 and p.oid >= 16384`;

const implicit = "select json_agg(json_build_array(castsource::int8, casttarget::int8)) from pg_cast where castcontext = 'i'";

/** Every name the engine knows, in one row. */
export const snapshotSql = `select ${[relations, inherits, types, functions, tables, operators, builtIn, casts, implicit].map((sql) => `(${sql})`).join(", ")}, current_database()`;

const sum = (table: string, where = "oid >= 16384") =>
  `(select count(*) || '/' || coalesce(sum(xmin::text::int8), 0) from ${table} where ${where})`;
const sums = [
  ...["pg_class", "pg_proc", "pg_type", "pg_operator", "pg_cast", "pg_opclass"].map((table) => sum(table)),
  sum("pg_attribute", "attrelid >= 16384 and attnum > 0"),
  sum("pg_rewrite", "ev_class >= 16384"),
  sum("pg_constraint", "contypid <> 0"),
  ...["pg_namespace", "pg_inherits", "pg_extension"].map((table) => sum(table, "true")),
].join(" || ' ' || ");

/**
 * Tells whether anything of it may have changed: $1 is the moment that was last looked at. While nobody writes, the moment stays
 * the same; otherwise the rows that describe the names are counted, and who wrote them.
 */
export const stampSql = `select array_to_json(current_schemas(true)), txid_current_snapshot()::text, case when txid_current_snapshot()::text is distinct from $1 then ${sums} end`;

/** The text of a view with every name in full: the path is changed for this statement only. */
export const bodySql = "select set_config('search_path', 'pg_catalog', true), pg_get_viewdef($1::oid)";
