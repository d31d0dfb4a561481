import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compact, compactKinds, compactMarks } from "../../core/catalog/compact.ts";
import { oneLine, roughCount } from "../../core/catalog/name.ts";
import { shortType } from "../../core/catalog/short-type.ts";
import type { CatalogDetail, CatalogObject } from "../../core/contract/catalog.ts";
import { businessCatalog, column, table } from "../support/catalogs.ts";

const at = (detail: CatalogDetail) => ({ detail, defaultSchema: "public" });
const tokens = (text: string) => Math.ceil(new TextEncoder().encode(text).length / 4);

const orders: CatalogObject = {
  schema: "public",
  name: "orders",
  kind: "table",
  comment: "One per sale\n(paid or not)",
  estimatedRows: 1_234_567,
  primaryKey: ["id"],
  columns: [
    column("id", ["bigint", "bigint"], false),
    column("customer_id", ["integer", "int"], false),
    { ...column("total", ["numeric(12,2)", "decimal"]), default: "0", comment: 'In "EUR"' },
    column("placed", ["timestamp with time zone", "timestamptz"]),
  ],
  foreignKeys: [{ columns: ["customer_id"], references: { schema: "public", name: "customers", columns: ["id"] } }],
  indexes: [
    { name: "orders_pkey", unique: true, columns: ["id"] },
    { name: "ix", unique: false, columns: ["customer_id", "placed"] },
    { name: "ux", unique: true, columns: ["lower(total)"] },
  ],
  checks: ["total >= 0"],
};

describe("the compact encoding", () => {
  it("says keys, types and references of a table in one line", () => {
    assert.equal(compact([orders], at("names")), "orders");
    const head = "orders(~1.2M): id:bigint*PK,customer_id:int*NN*FK->customers.id";
    assert.equal(compact([orders], at("columns")), `${head},total:dec(12,2),placed:tstz`);
    const tail = ` ix(customer_id,placed) ux("lower(total)") ck("total >= 0") -- One per sale (paid or not)`;
    assert.equal(compact([orders], at("full")), `${head},total:dec(12,2)=0 "In \\"EUR\\"",placed:tstz${tail}`);
  });

  it("marks what is not a table, and tells no columns from unknown columns", () => {
    const objects: CatalogObject[] = [
      { name: "active", kind: "view", estimatedRows: 12, columns: [column("id", ["", "unknown"])] },
      { name: "total", kind: "routine" },
      table("empty"),
    ];
    assert.equal(compact(objects, at("columns")), "active(view ~12): id\ntotal(routine)\nempty:");
  });

  it("leaves the default schema out, and the own schema out of references", () => {
    const key = (schema: string | undefined, name: string, columns: string[]) => ({
      columns: ["x"],
      references: { ...(schema !== undefined && { schema }), name, columns },
    });
    const keys = [key("sales", "a", ["id"]), key("public", "b", ["id"]), key(undefined, "c", []), key("public", "d", [])];
    const text = compact([table("t", ["x"], { schema: "sales", foreignKeys: keys })], at("columns"));
    assert.equal(text, "sales.t: x:text*FK->a.id*FK->public.b.id*FK->c*FK->public.d()");
  });

  it("keeps every object on one line whatever its names and comments hold", () => {
    const odd = 'a "b"\n, *c:\u202e\u{1F600}\u0007\u2028';
    const text = compact([table(odd, [odd], { comment: `${odd}\r\nend`, primaryKey: [odd] })], at("full"));
    assert.doesNotMatch(text, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    assert.deepEqual(parse(text, "full"), project([table(odd, [odd], { comment: `${odd}\r\nend`, primaryKey: [odd] })], "full"));
  });

  it("copes with 1,600 columns and with tables that refer to themselves and to each other", () => {
    const wide = table(
      "wide",
      Array.from({ length: 1600 }, (_, n) => `c${n}`),
    );
    const refer = (name: string) => ({ columns: ["x"], references: { name, columns: ["x"] } });
    const objects = [wide, table("a", ["x"], { foreignKeys: [refer("a"), refer("b")] }), table("b", ["x"], { foreignKeys: [refer("a")] })];
    const text = compact(objects, at("columns"));
    assert.equal(text.split("\n")[1], "a: x:text*FK->a.x*FK->b.x");
    assert.deepEqual(parse(text, "columns"), project(objects, "columns"));
  });

  it("can be read back without loss", () => {
    for (const detail of ["names", "columns", "full"] as const) {
      const readsBack = (objects: CatalogObject[]) =>
        assert.deepEqual(parse(compact(objects, at(detail)), detail), project(objects, detail));
      fc.assert(fc.property(fc.array(anyObject, { minLength: 1, maxLength: 4 }), readsBack), { numRuns: 300 });
    }
  });

  it("fits 500 tables of 20 columns with keys into 68,000 tokens, and their names into 2,500", () => {
    const objects = businessCatalog(500, 20);
    assert.ok(tokens(compact(objects, at("columns"))) <= 68_000);
    assert.ok(tokens(compact(objects, at("names"))) <= 2_500);
  });
});

const word = fc.oneof(
  fc.constantFrom(
    "id",
    "Name",
    "kundennr",
    "größe",
    "a b",
    "a,b",
    "a:b",
    "*PK",
    "x*NN",
    '"q"',
    "l1\nl2",
    "a.b",
    "",
    "\\",
    "😀",
    "-- c",
    "f(x)",
    "…",
  ),
  fc.string({ maxLength: 8, unit: "binary" }),
);
const words = (from: readonly string[], most = 3) =>
  from.length === 0 ? fc.constant([]) : fc.uniqueArray(fc.constantFrom(...from), { minLength: 1, maxLength: most });
const anyType = fc.constantFrom(
  ...([
    "",
    "PK",
    "FK->a",
    "int",
    "NUMERIC(5, 2)",
    "double precision",
    "enum('a','b*PK')",
    "int[]",
    "public.mood",
    'STRUCT("a b" INT)',
  ] as const),
);
const anyColumns = fc.uniqueArray(
  fc.record(
    {
      name: word,
      type: fc.constant("unknown" as const),
      nativeType: anyType,
      nullable: fc.boolean(),
      default: fc.oneof(fc.constantFrom("0", "-1.5", "now()", "'a, b'"), word.map(oneLine)),
      generated: fc.constant(true),
      comment: word,
    },
    { requiredKeys: ["name", "type", "nativeType", "nullable"] },
  ),
  { selector: (one) => one.name, maxLength: 5 },
);
const anyObject: fc.Arbitrary<CatalogObject> = anyColumns.chain((columns) => {
  const names = columns.map((one) => one.name);
  const references = fc.record({ schema: fc.constantFrom("public", "sales", "odd one"), name: word });
  const foreignKey = fc.tuple(words(names), references, word, fc.boolean()).map(([from, target, to, whole]) => ({
    columns: from,
    references: { ...target, columns: whole ? [] : from.map((_, n) => to + n) },
  }));
  return fc.record(
    {
      schema: fc.constantFrom("public", "sales", "a.b"),
      name: word,
      kind: fc.constantFrom("table", "view", "materialized view", "routine", "sequence", "type"),
      comment: word,
      estimatedRows: fc.oneof(fc.constantFrom(-1, Number.NaN), fc.nat()),
      columns: fc.constant(columns),
      primaryKey: words(names),
      foreignKeys: names.length === 0 ? fc.constant([]) : fc.array(foreignKey, { maxLength: 3 }),
      indexes: fc.array(fc.record({ name: word, unique: fc.boolean(), columns: fc.array(word, { minLength: 1, maxLength: 3 }) }), {
        maxLength: 2,
      }),
      checks: fc.array(word, { maxLength: 2 }),
    },
    { requiredKeys: ["schema", "name", "kind"] },
  );
});

/** What the line is meant to say, in the words the parser below answers with. */
function project(objects: readonly CatalogObject[], detail: CatalogDetail): unknown[] {
  return objects.map((object) => {
    const shown = detail === "names" ? undefined : object.columns;
    const full = detail === "full" && shown !== undefined;
    const schema = object.schema ?? "public";
    const target = (key: { references: { schema?: string; name: string } }) => [key.references.schema ?? schema, key.references.name];
    const keys = object.foreignKeys ?? [];
    const inline = full ? keys.filter((key) => key.columns.length === 1) : keys;
    const primary = object.primaryKey ?? [];
    const same = (columns: readonly string[]) => JSON.stringify(columns) === JSON.stringify(primary);
    return {
      schema,
      name: object.name,
      kind: object.kind,
      rows: detail === "names" ? undefined : roughCount(object.estimatedRows),
      columns: shown?.map((one) => ({
        name: one.name,
        type: shortType(one),
        key: primary.includes(one.name) ? "PK" : one.nullable ? undefined : "NN",
        references: inline.flatMap((key) => {
          const n = key.columns.indexOf(one.name);
          return n < 0 ? [] : [[...target(key), key.references.columns[n]]];
        }),
        ...(full && { generated: one.generated ?? false, default: one.default, comment: oneLine(one.comment ?? "") || undefined }),
      })),
      ...(full && {
        primaryKey: primary,
        foreignKeys: keys.filter((key) => key.columns.length > 1).map((key) => [key.columns, ...target(key), key.references.columns]),
        indexes: (object.indexes ?? [])
          .filter((index) => !(index.unique && same(index.columns)))
          .map((index) => [index.unique, index.columns]),
        checks: (object.checks ?? []).map(oneLine),
      }),
      comment: detail === "full" ? oneLine(object.comment ?? "") || undefined : undefined,
    };
  });
}

function parse(text: string, detail: CatalogDetail): unknown[] {
  return text.split("\n").map((line) => parseLine(line, detail));
}

function parseLine(line: string, detail: CatalogDetail): unknown {
  let rest = line;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    const found = new RegExp(`^(?:${pattern.source})`, "u").exec(rest) ?? undefined;
    rest = rest.slice(found?.[0].length ?? 0);
    return found;
  };
  const name = (): string => {
    const [text = ""] = take(/"(?:[^"\\]|\\.)*"|[\p{L}\p{M}\p{N}_$]+/u) ?? assert.fail(`no name at: ${rest}`);
    return text.startsWith('"') ? JSON.parse(text) : text;
  };
  const path = (): string[] => {
    const parts = [name()];
    while (take(/\./)) parts.push(name());
    return parts;
  };
  const list = (): string[] => {
    const names = [name()];
    while (take(/,/)) names.push(name());
    assert.ok(take(/\)/), rest);
    return names;
  };
  const bare = (): string => {
    const [text = ""] = take(/"(?:[^"\\]|\\.)*"|[\w.+-]+(?:\([\w,]*\))?(?:\[\d*\])*/) ?? assert.fail(`no word at: ${rest}`);
    return text.startsWith('"') ? JSON.parse(text) : text;
  };
  const escaped = (text: string) => new RegExp(text.replace(/[*.]/g, "\\$&"));
  const mark = escaped(compactMarks.mark).source;

  const columnNow = (schema: string) => {
    const called = name();
    const type = !new RegExp(`^${mark}(?:PK|NN|GEN|FK->)`).test(rest) && take(escaped(compactMarks.type)) ? bare() : "";
    const key = take(new RegExp(`${mark}(PK|NN)`))?.[1];
    const references: unknown[] = [];
    while (take(new RegExp(`${mark}FK->`))) {
      const parts = path();
      if (take(/\(\)/)) parts.push("()");
      const [owner = "", named = "", target] = parts.length < 3 ? [schema, ...parts] : parts;
      references.push([owner, named, target === "()" ? undefined : target]);
    }
    if (detail !== "full") return { name: called, type, key, references };
    const generated = take(new RegExp(`${mark}GEN`)) !== undefined;
    const value = take(/=/) ? bare() : undefined;
    const comment = take(/ (?=")/) ? name() : undefined;
    return { name: called, type, key, references, generated, default: value, comment };
  };

  const parts = path();
  const [schema = "", called = ""] = parts.length === 1 ? ["public", ...parts] : parts;
  const [, kind = "table", rows] = take(/\((view|matview|routine|sequence|type)?(?: ?~([\d.]+[kMGTP]?))?\)/) ?? [];
  const columns: ReturnType<typeof columnNow>[] = [];
  const hasColumns = take(/:/) !== undefined;
  if (hasColumns && take(/ (?!(?:pk|fk|ix|ux|ck)\(|-- )/))
    do columns.push(columnNow(schema));
    while (take(escaped(compactMarks.column)));
  const tail = {
    primaryKey: undefined as string[] | undefined,
    foreignKeys: [] as unknown[],
    indexes: [] as unknown[],
    checks: [] as string[],
  };
  for (let found = take(/ (pk|fk|ix|ux|ck)\(/); found; found = take(/ (pk|fk|ix|ux|ck)\(/)) {
    const names = list();
    if (found[1] === "pk") tail.primaryKey = names;
    else if (found[1] === "ck") tail.checks.push(names[0] ?? "");
    else if (found[1] !== "fk") tail.indexes.push([found[1] === "ux", names]);
    else {
      assert.ok(take(/->/), rest);
      const parts = path();
      tail.foreignKeys.push([names, ...(parts.length === 1 ? [schema, ...parts] : parts), take(/\(/) ? list() : []]);
    }
  }
  const comment = take(/ -- (.*)$/)?.[1];
  assert.equal(rest, "", `unread: ${rest}`);
  const kinds = Object.fromEntries(Object.entries(compactKinds).map(([whole, short]) => [short, whole]));
  return {
    schema,
    name: called,
    kind: kinds[kind] ?? kind,
    rows,
    columns: hasColumns ? columns : undefined,
    ...(detail === "full" &&
      hasColumns && { ...tail, primaryKey: tail.primaryKey ?? columns.filter((one) => one.key === "PK").map((one) => one.name) }),
    comment,
  };
}
