import type { Column, ColumnRef, LogicalType } from "../../../core/contract/rows.ts";
import type { Field } from "../wire/replies.ts";
import type { Work } from "../work.ts";
import { type Decoder, decoderOf } from "./decode.ts";
import { builtIn, builtInName, type TypeFacts } from "./types.ts";

/** A table may be renamed and a column dropped at any time: what is known of them is asked again after this long. */
const trustMillis = 5000;

/** What the catalog says about types and about the tables that columns come from. */
export interface Names {
  /** Asks the server, in one query, for all that is not known yet. */
  learn(work: Work, fields: readonly Field[]): Promise<void>;
  columns(fields: readonly Field[]): Column[];
  decoders(fields: readonly Field[]): Decoder[];
}

const askSql = `
  select 't', t.oid::text, t.modifier::text, format_type(t.oid, t.modifier), p.typcategory = 'A' and p.typlen = -1 and p.typsubscript::text = 'array_subscript_handler',
    p.typelem::text, coalesce(e.typdelim, ',')::text
  from unnest($1::oid[], $2::int4[]) as t (oid, modifier) join pg_type p on p.oid = t.oid left join pg_type e on e.oid = p.typelem
  union all
  select 'c', a.attrelid::text, a.attnum::text, a.attname::text, null, n.nspname::text, c.relname::text
  from unnest($3::oid[]) as r (oid) join pg_class c on c.oid = r.oid join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped`;

export function createNames(version: number): Names {
  const types = new Map<number, TypeFacts>();
  const natives = new Map<string, string>();
  const origins = new Map<number, { readonly known: number; readonly columns: ReadonlyMap<number, ColumnRef> }>();
  // PostgreSQL 14 told arrays from other types with a length by their subscripting; before, by their element.
  const sql = version >= 140000 ? askSql : askSql.replace("p.typsubscript::text = 'array_subscript_handler'", "p.typelem <> 0");
  const facts = (oid: number) => builtIn(oid) ?? types.get(oid);
  const native = ({ type, modifier }: Field) => builtInName(type, modifier) ?? natives.get(`${type} ${modifier}`);

  const keep = ([what, oid, part, name, isList, second, third]: readonly (string | null)[]) => {
    if (what === "t") {
      natives.set(`${oid} ${part}`, name ?? "");
      if (isList === "t") types.set(Number(oid), { logical: "list", element: Number(second), delimiter: third ?? "," });
      else types.set(Number(oid), { logical: "text" });
      return;
    }
    const table = origins.get(Number(oid));
    (table?.columns as Map<number, ColumnRef> | undefined)?.set(Number(part), {
      schema: second ?? "",
      table: third ?? "",
      column: name ?? "",
    });
  };

  return {
    async learn(work, fields) {
      const now = Date.now();
      const unnamed = [
        ...new Map(
          fields
            .filter((field) => native(field) === undefined || facts(field.type) === undefined)
            .map((field) => [`${field.type} ${field.modifier}`, field]),
        ).values(),
      ];
      const tables = [...new Set(fields.map(({ table }) => table))].filter(
        (table) => table !== 0 && now - (origins.get(table)?.known ?? 0) > trustMillis,
      );
      if (unnamed.length === 0 && tables.length === 0) return;
      const list = (values: readonly number[]) => `{${values.join(",")}}`;
      const rows = await work.rows(sql, [
        list(unnamed.map(({ type }) => type)),
        list(unnamed.map(({ modifier }) => modifier)),
        list(tables),
      ]);
      for (const table of tables) origins.set(table, { known: now, columns: new Map() });
      for (const row of rows) keep(row);
    },
    columns: (fields) =>
      fields.map((field) => {
        const origin = origins.get(field.table)?.columns.get(field.attribute);
        return {
          name: field.name,
          type: (facts(field.type)?.logical ?? "text") satisfies LogicalType,
          nativeType: native(field) ?? "",
          ...(origin !== undefined && { origin }),
        };
      }),
    decoders: (fields) => fields.map(({ type }) => decoderOf(type, facts)),
  };
}
