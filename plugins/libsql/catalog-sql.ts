/** One fact about an object: what it is, whose, and the rest. */
export type Fact = readonly [kind: string, owner: string, ...rest: (string | number | null)[]];

/** Shadow tables belong to a virtual table, sqlite_% and some others to the engine. */
const objects = `objects as materialized (
  select l.name, l.type = 'view' as view, l.type = 'table' and l.wr = 0 as has_rowid, s.sql
  from pragma_table_list l left join sqlite_schema s on s.name = l.name and s.type in ('table', 'view')
  where l.schema = 'main' and l.type in ('table', 'view', 'virtual')
    and l.name not like 'sqlite\\_%' escape '\\'
    and l.name not in ('libsql_wasm_func_table', 'libsql_vector_meta_shadow', 'libsql_temp_injection')
    and (?1 is null or l.name = ?1 collate nocase))`;

const ofObjects = `select cast(json_array('object', name, view, has_rowid, sql) as blob) from objects order by name`;

/** Hidden columns of virtual tables are arguments rather than data. */
const ofColumns = `select cast(json_array('column', o.name, x.name, x.type, x."notnull", x.dflt_value, x.pk, x.hidden in (2, 3)) as blob)
  from objects o, pragma_table_xinfo(o.name, 'main') x where x.hidden <> 1 order by o.name, x.cid`;

/** A foreign key that names no columns leads to the primary key. */
const ofKeys = `select cast(json_array('key', o.name, f.id, f."table", f."from",
    coalesce(f."to", (select p.name from pragma_table_info(f."table", 'main') p where p.pk = f.seq + 1), '')) as blob)
  from objects o, pragma_foreign_key_list(o.name, 'main') f order by o.name, f.id desc, f.seq`;

const ofIndexes = `select cast(json_array('index', o.name, l.name, l."unique", x.name, s.sql) as blob)
  from objects o, pragma_index_list(o.name, 'main') l join pragma_index_xinfo(l.name, 'main') x
    left join (select name, sql from sqlite_schema where type = 'index') s on s.name = l.name
  where x.key = 1 and l.origin <> 'pk' order by o.name, l.seq desc, x.seqno`;

const counts = `select cast(json_array('count', tbl, max(cast(stat as integer))) as blob) from sqlite_stat1 group by tbl`;

/** The statement for some facts about the objects, or about the one whose name is bound. */
export function catalogSql(facts: "object" | "columns" | "full" | "counts"): string {
  if (facts === "counts") return counts;
  const parts = { object: [ofObjects], columns: [ofColumns, ofKeys], full: [ofColumns, ofKeys, ofIndexes] }[facts];
  return `with ${objects} ${parts.map((part) => `select * from (${part})`).join("\nunion all ")}`;
}

/** How far the rowids of tables lie apart, and the size of the file; without tables, whether ANALYZE has run. */
export function estimateSql(tables: readonly string[]): string {
  if (tables.length === 0) {
    return "select cast(json_array('analyzed', '', exists (select 1 from sqlite_schema where name = 'sqlite_stat1')) as blob)";
  }
  const spans = tables.map((table) => {
    const quoted = `"${table.replaceAll('"', '""')}"`;
    return `select '${table.replaceAll("'", "''")}', (select max(rowid) from ${quoted}) - (select min(rowid) from ${quoted}) + 1`;
  });
  return `with spans (name, span) as (${spans.join(" union all ")})
    select cast(json_array('span', name, span, (select page_count * page_size from pragma_page_count, pragma_page_size)) as blob) from spans`;
}
