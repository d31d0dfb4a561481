import type { CatalogDetail } from "../../core/contract/catalog.ts";
import { builtInOids } from "./values/types.ts";

/** What a row says of one object; the rest of the columns is NULL where it does not apply. */
export const catalogFields = {
  names: ["schema", "name", "kind", "comment", "rows", "rls", "whole", "signature", "labels", "version"],
  columns: ["columns", "keys"],
  full: ["bytes", "indexes", "checks", "definition"],
} as const;

export type CatalogField = (typeof catalogFields)[CatalogDetail][number];

export function fieldsOf(detail: CatalogDetail): readonly CatalogField[] {
  const { names, columns, full } = catalogFields;
  return detail === "names" ? names : detail === "columns" ? [...names, ...columns] : [...names, ...columns, ...full];
}

/** One kind of object: where it is found, and the SQL of each field. */
interface Source {
  readonly from: string;
  /** Whether a name without a schema means it. */
  readonly visible: string;
  readonly fields: Partial<Record<CatalogField, string>> & { readonly name: string };
}

/** Extensions bring their own objects, and types and identity columns make theirs; those are no more the user's than pg_catalog is. */
const ours = (table: string, alias: string) => `
    and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema' and has_schema_privilege(n.oid, 'usage')
    and not exists (select 1 from pg_depend d where d.classid = '${table}'::regclass and d.objid = ${alias}.oid and d.deptype in ('e', 'i') and d.refobjid <> d.objid)`;

/** A list of texts for each column. Most types are known by their number, and looking them up would take half of the time. */
const columnsOf = (
  relation: string,
) => `(select json_agg(array[a.attname, a.atttypid::text, format_type(a.atttypid, a.atttypmod), a.attnotnull::text,
    case when a.atthasdef then pg_get_expr(d.adbin, d.adrelid) end, (a.attgenerated <> '')::text, a.attidentity::text, e.description,
    case when a.atttypid not in (${builtInOids.join(", ")}) then (
      select case when t.typcategory = 'A' then 'list' when t.typtype = 'd' then t.typbasetype::text end from pg_type t where t.oid = a.atttypid) end] order by a.attnum)
  from pg_attribute a left join pg_attrdef d on a.atthasdef and d.adrelid = a.attrelid and d.adnum = a.attnum
    left join pg_description e on e.objoid = a.attrelid and e.classoid = 'pg_class'::regclass and e.objsubid = a.attnum
  where a.attrelid = ${relation} and a.attnum > 0 and not a.attisdropped)`;

/** One look-up for each: a join would read every column of the table. */
const names = (keys: string, table: string) =>
  `(select json_agg((select a.attname from pg_attribute a where a.attrelid = ${table} and a.attnum = u.number) order by u.place) from unnest(${keys}) with ordinality as u (number, place))`;

const keys = `(select json_agg(json_build_array(k.contype::text, ${names("k.conkey", "k.conrelid")}, fn.nspname, f.relname,
    case when k.contype = 'f' then ${names("k.confkey", "k.confrelid")} end) order by k.conname)
  from pg_constraint k left join pg_class f on f.oid = k.confrelid left join pg_namespace fn on fn.oid = f.relnamespace
  where k.conrelid = c.oid and k.contype in ('p', 'f'))`;

const indexes = `(select json_agg(json_build_array(i.relname, x.indisunique,
    (select json_agg(coalesce(a.attname, pg_get_indexdef(x.indexrelid, k.place::int, true)) order by k.place)
      from unnest(x.indkey::int2[]) with ordinality as k (number, place) left join pg_attribute a on a.attrelid = x.indrelid and a.attnum = k.number and k.number <> 0
      where k.place <= x.indnkeyatts)) order by i.relname)
  from pg_index x join pg_class i on i.oid = x.indexrelid where x.indrelid = c.oid)`;

const checksOf = (owner: string) =>
  `(select json_agg(pg_get_constraintdef(k.oid) order by k.conname) from pg_constraint k where ${owner} and k.contype = 'c')`;

/** A partitioned table keeps no count of its own. */
const rows = `case when c.relkind = 'p' then (select sum(p.reltuples) from pg_inherits i join pg_class p on p.oid = i.inhrelid where i.inhparent = c.oid and p.reltuples >= 0)
  when c.relkind in ('r', 'm') then c.reltuples end`;

/** Exact for one table; measuring all would wait for whoever changes one of them. */
const bytes = `case when c.relkind not in ('r', 'm') then null when $2::text is not null then pg_total_relation_size(c.oid)
  else nullif((select sum(s.relpages::int8) from pg_class s where s.oid in (select c.oid union all select x.indexrelid from pg_index x where x.indrelid in (c.oid, c.reltoastrelid)
    union all select c.reltoastrelid)), 0) * current_setting('block_size')::int8 end`;

const relationDefinition = `case c.relkind
  when 'v' then format(E'CREATE VIEW %I.%I AS\\n%s', n.nspname, c.relname, pg_get_viewdef(c.oid, true))
  when 'm' then format(E'CREATE MATERIALIZED VIEW %I.%I AS\\n%s', n.nspname, c.relname, pg_get_viewdef(c.oid, true))
  when 'S' then (select format('CREATE SEQUENCE %I.%I AS %s START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s%s', n.nspname, c.relname,
      format_type(s.seqtypid, null), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, case when s.seqcycle then ' CYCLE' else '' end)
    from pg_sequence s where s.seqrelid = c.oid)
  else case when c.relispartition then (select format('CREATE TABLE %I.%I PARTITION OF %I.%I %s', n.nspname, c.relname, pn.nspname, p.relname, pg_get_expr(c.relpartbound, c.oid))
        || coalesce(' PARTITION BY ' || pg_get_partkeydef(c.oid), '')
      from pg_inherits i join pg_class p on p.oid = i.inhparent join pg_namespace pn on pn.oid = p.relnamespace where i.inhrelid = c.oid)
    when c.relkind = 'p' then format(E'CREATE TABLE %I.%I (\\n  %s\\n) PARTITION BY %s', n.nspname, c.relname, (select string_agg(l.line, E',\\n  ' order by l.part, l.place) from (
      select 1 as part, a.attnum::int as place, format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)) || case when a.attnotnull then ' NOT NULL' else '' end
        || case when a.attgenerated <> '' then format(' GENERATED ALWAYS AS (%s) %s', pg_get_expr(d.adbin, d.adrelid), case a.attgenerated when 'v' then 'VIRTUAL' else 'STORED' end)
          when a.attidentity <> '' then format(' GENERATED %s AS IDENTITY', case a.attidentity when 'a' then 'ALWAYS' else 'BY DEFAULT' end)
          else coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '') end as line
      from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      union all select 2, row_number() over (order by k.conname)::int, format('CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)) from pg_constraint k
        where k.conrelid = c.oid and k.contype in ('p', 'u', 'c', 'f', 'x')) as l), pg_get_partkeydef(c.oid)) end end`;

const relations: Source = {
  from: `pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') ${ours("pg_class", "c")}`,
  visible: "pg_table_is_visible(c.oid)",
  fields: {
    name: "c.relname",
    kind: "c.relkind::text",
    comment: "obj_description(c.oid, 'pg_class')",
    rows,
    rls: "case when c.relrowsecurity then 't' end",
    whole: `case when c.relispartition then (select json_build_array(pn.nspname, p.relname)
      from pg_inherits i join pg_class p on p.oid = i.inhparent join pg_namespace pn on pn.oid = p.relnamespace where i.inhrelid = c.oid) end`,
    columns: `case when c.relkind <> 'S' then ${columnsOf("c.oid")} end`,
    keys,
    bytes,
    indexes,
    checks: checksOf("k.conrelid = c.oid"),
    definition: relationDefinition,
  },
};

const routines: Source = {
  from: `pg_proc p join pg_namespace n on n.oid = p.pronamespace where true ${ours("pg_proc", "p")}`,
  visible: "pg_function_is_visible(p.oid)",
  fields: {
    name: "p.proname",
    kind: "'routine'",
    comment: "obj_description(p.oid, 'pg_proc')",
    signature: "format('(%s)', pg_get_function_arguments(p.oid)) || coalesce(' returns ' || pg_get_function_result(p.oid), '')",
    // An aggregate is made of other functions, and has no text.
    definition: "case when p.prokind <> 'a' then pg_get_functiondef(p.oid) end",
  },
};

const labels = `(select json_agg(l.enumlabel order by l.enumsortorder) from pg_enum l where l.enumtypid = t.oid)`;

const typeDefinition = `format('CREATE %s %I.%I AS ', case t.typtype when 'd' then 'DOMAIN' else 'TYPE' end, n.nspname, t.typname) || case t.typtype
  when 'e' then format('ENUM (%s)', (select string_agg(quote_literal(l.enumlabel), ', ' order by l.enumsortorder) from pg_enum l where l.enumtypid = t.oid))
  when 'c' then format('(%s)', (select string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' order by a.attnum)
    from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped))
  when 'r' then (select format('RANGE (SUBTYPE = %s)', format_type(r.rngsubtype, null)) from pg_range r where r.rngtypid = t.oid)
  else format_type(t.typbasetype, t.typtypmod) || coalesce(' DEFAULT ' || t.typdefault, '') || case when t.typnotnull then ' NOT NULL' else '' end
    || coalesce((select string_agg(format(' CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), '' order by k.conname) from pg_constraint k where k.contypid = t.oid and k.contype = 'c'), '') end`;

const types: Source = {
  from: `pg_type t join pg_namespace n on n.oid = t.typnamespace
    where (t.typtype in ('e', 'd', 'r') or t.typtype = 'c' and exists (select 1 from pg_class c where c.oid = t.typrelid and c.relkind = 'c')) ${ours("pg_type", "t")}`,
  visible: "pg_type_is_visible(t.oid)",
  fields: {
    name: "t.typname",
    kind: "'type'",
    comment: "obj_description(t.oid, 'pg_type')",
    labels,
    // A domain is a column of its own, which its checks call VALUE.
    columns: `case t.typtype when 'c' then ${columnsOf("t.typrelid")} when 'd' then (select json_build_array(array['value', t.typbasetype::text,
        format_type(t.typbasetype, t.typtypmod), t.typnotnull::text, t.typdefault, 'false', '', null, case when b.typcategory = 'A' then 'list' end])
      from pg_type b where b.oid = t.typbasetype) end`,
    checks: checksOf("k.contypid = t.oid"),
    definition: typeDefinition,
  },
};

const extensions: Source = {
  from: "pg_extension x join pg_namespace n on n.oid = x.extnamespace where x.extname <> 'plpgsql'",
  visible: "true",
  fields: {
    name: "x.extname",
    kind: "'extension'",
    comment: "obj_description(x.oid, 'pg_extension')",
    version: "x.extversion",
    definition: "format('CREATE EXTENSION %I SCHEMA %I VERSION %L', x.extname, n.nspname, x.extversion)",
  },
};

/** Everything asked for, in one statement; its parameters are a schema and a name, or NULL. */
export function catalogSql(detail: CatalogDetail): string {
  const fields = fieldsOf(detail);
  const sources = [relations, routines, types, extensions].map(({ from, visible, fields: { name, ...known } }) => {
    const given: Partial<Record<CatalogField, string>> = { schema: "n.nspname", name, ...known };
    const list = fields.map((field) => `(${given[field] ?? "null"})::text as ${field}`);
    const asked = `and ($1::text is null or n.nspname = $1) and ($2::text is null or ${name} = $2)`;
    // Without a schema the name means what is on the search path, and only where that is nothing all that have it.
    return `select ${list.join(", ")}, $1::text is null and $2::text is not null and ${visible} as meant from ${from} ${asked}`;
  });
  const chosen = sources.map((sql) => `(select *, bool_or(meant) over () as found from (${sql}) as s)`);
  return `select ${fields.join(", ")} from (${chosen.join(" union all ")}) as o where meant or not found order by schema collate "C", name collate "C", kind collate "C", signature collate "C"`;
}
