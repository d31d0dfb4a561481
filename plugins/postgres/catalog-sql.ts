import type { CatalogDetail } from "../../core/contract/catalog.ts";

/** Extensions bring their own tables; those are no more the user's than pg_catalog is. */
const relations = `
  select c.oid, n.nspname as schema, c.relname as name, c.relkind::text as kind, c.reltuples as rows, c.relispartition as part, c.relrowsecurity as rls,
    obj_description(c.oid, 'pg_class') as comment
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
    and ($1::text is null or n.nspname = $1) and ($2::text is null or c.relname = $2) and ($1::text is not null or $2::text is null or pg_table_is_visible(c.oid) or not exists (
      select 1 from pg_class o where o.relname = $2 and pg_table_is_visible(o.oid)))
    and (has_schema_privilege(n.oid, 'usage')) and not exists (select 1 from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')`;

const columns = `(select json_agg(json_build_array(a.attname, a.atttypid::int8, format_type(a.atttypid, a.atttypmod), a.attnotnull,
    case when a.atthasdef then pg_get_expr(d.adbin, d.adrelid) end, a.attgenerated <> '', a.attidentity::text, e.description,
    case t.typtype when 'd' then t.typbasetype::int8 end, t.typcategory = 'A') order by a.attnum)
  from pg_attribute a join pg_type t on t.oid = a.atttypid left join pg_attrdef d on a.atthasdef and d.adrelid = a.attrelid and d.adnum = a.attnum
    left join pg_description e on e.objoid = a.attrelid and e.classoid = 'pg_class'::regclass and e.objsubid = a.attnum
  where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped)`;

const names = (keys: string, table: string) =>
  `(select json_agg(a.attname order by u.place) from unnest(${keys}) with ordinality as u (number, place) join pg_attribute a on a.attrelid = ${table} and a.attnum = u.number)`;

const keys = `(select json_agg(json_build_array(k.contype::text, ${names("k.conkey", "k.conrelid")}, fn.nspname, f.relname,
    case when k.contype = 'f' then ${names("k.confkey", "k.confrelid")} end) order by k.conname)
  from pg_constraint k left join pg_class f on f.oid = k.confrelid left join pg_namespace fn on fn.oid = f.relnamespace
  where k.conrelid = r.oid and k.contype in ('p', 'f'))`;

const indexes = `(select json_agg(json_build_array(i.relname, x.indisunique,
    (select json_agg(coalesce(a.attname, pg_get_indexdef(x.indexrelid, k.place::int, true)) order by k.place)
      from unnest(x.indkey::int2[]) with ordinality as k (number, place) left join pg_attribute a on a.attrelid = x.indrelid and a.attnum = k.number and k.number <> 0
      where k.place <= x.indnkeyatts)) order by i.relname)
  from pg_index x join pg_class i on i.oid = x.indexrelid where x.indrelid = r.oid)`;

const checks = `(select json_agg(pg_get_constraintdef(k.oid) order by k.conname) from pg_constraint k where k.conrelid = r.oid and k.contype = 'c')`;

const definition = `case when r.kind in ('v', 'm') then pg_get_viewdef(r.oid, true)
  when r.kind = 'p' then pg_get_partkeydef(r.oid) when r.part then (select pg_get_expr(c.relpartbound, c.oid) from pg_class c where c.oid = r.oid) end`;

/** Everything asked for, in one statement; its parameters are a schema and a name, or NULL. */
export function catalogSql(detail: CatalogDetail): string {
  const structure = detail === "names" ? [] : [columns, keys];
  const more = detail === "full" ? [indexes, checks, definition] : [];
  const parts = ["r.schema", "r.name", "r.kind", "r.rows", "r.comment", ...structure, ...more];
  return `select ${parts.join(", ")} from (${relations}) as r order by r.schema collate "C", r.name collate "C"`;
}
