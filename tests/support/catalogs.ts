import type { CatalogColumn, CatalogObject, ForeignKey } from "../../core/contract/catalog.ts";
import type { LogicalType } from "../../core/contract/rows.ts";

const things =
  "customer order invoice payment shipment product vendor account ledger contract ticket employee warehouse stock price tax region device";
const facets =
  "status history items events archive lines notes audit summary detail link group rule type batch import export draft queue error";
const fields =
  "name code status amount total quantity created_at updated_at description email phone address city country currency rate start_date";
const types: readonly (readonly [string, LogicalType])[] = [
  ["integer", "int"],
  ["bigint", "bigint"],
  ["text", "text"],
  ["character varying(40)", "text"],
  ["numeric(12,2)", "decimal"],
  ["timestamp without time zone", "timestamp"],
  ["timestamp with time zone", "timestamptz"],
  ["date", "date"],
  ["boolean", "boolean"],
  ["uuid", "uuid"],
  ["jsonb", "json"],
];

/** The same numbers for the same seed: 0 ≤ n < `below`. */
export function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state % below;
  };
}

/** Tables as a business has them: snake_case words, a key, two references, the usual types, two indexes. */
export function businessCatalog(tables: number, columns: number, seed = 7): CatalogObject[] {
  const random = seeded(seed);
  const pick = (words: string): string => words.split(" ")[random(words.split(" ").length)] ?? "";
  const names = Array.from({ length: tables }, (_, at) => nameAt(at));
  return names.map((name) => {
    const targets = [0, 1].map(() => names[random(tables)] ?? name);
    const references = targets.map((target, at) => column(`${target}_id${at || ""}`, ["bigint", "bigint"], random(2) === 0));
    const rest = Array.from({ length: Math.max(0, columns - 3) }, (_, at) =>
      column(
        `${random(2) ? `${pick(things)}_` : ""}${pick(fields)}${at}`,
        types[random(types.length)] ?? ["text", "text"],
        random(2) === 0,
      ),
    );
    const foreignKeys = targets.map(
      (target, at): ForeignKey => ({
        columns: [references[at]?.name ?? ""],
        references: { schema: "public", name: target, columns: ["id"] },
      }),
    );
    const all = [column("id", ["bigint", "bigint"], false), ...references, ...rest].slice(0, columns);
    const indexes = references.map((one) => ({ name: `ix_${name}_${one.name}`, unique: false, columns: [one.name] }));
    return {
      schema: "public",
      name,
      kind: "table",
      estimatedRows: random(5_000_000),
      columns: all,
      primaryKey: ["id"],
      foreignKeys,
      indexes,
    };
  });
}

function nameAt(at: number): string {
  const [first, second] = [things.split(" "), facets.split(" ")];
  const pair = `${first[at % first.length]}_${second[Math.floor(at / first.length) % second.length]}`;
  const round = Math.floor(at / (first.length * second.length));
  return round === 0 ? pair : `${pair}_${round}`;
}

/** A column with the least said about it. */
export function column(name: string, [nativeType, type]: readonly [string, LogicalType], nullable = true): CatalogColumn {
  return { name, type, nativeType, nullable };
}

/** A table of text columns. */
export function table(name: string, columns: readonly string[] = [], more: Partial<CatalogObject> = {}): CatalogObject {
  return { name, kind: "table", columns: columns.map((one) => column(one, ["text", "text"])), ...more };
}
