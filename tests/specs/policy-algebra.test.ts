import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { MaskForm } from "../../core/contract/analysis.ts";
import type { CatalogObject } from "../../core/contract/catalog.ts";
import type { Principal } from "../../core/contract/policy.ts";
import { describeNarrowing } from "../../core/policy/narrowing-text.ts";
import { compilePolicy } from "../../core/policy/roles/compile.ts";
import { isOpen } from "../../core/policy/roles/hours.ts";
import { readPolicy } from "../../core/policy/roles/read.ts";
import { rolesRule } from "../../core/policy/roles/roles-rule.ts";
import { verbs } from "../../core/policy/roles/schema.ts";
import { visibleObjects } from "../../core/policy/roles/visible.ts";

const world: Readonly<Record<string, readonly string[]>> = { person: ["id", "email"], salary: ["id", "amount"], purchase: ["id"] };
const objects: readonly CatalogObject[] = Object.entries(world).map(([name, columns]) => ({
  schema: "public",
  name,
  kind: "table",
  columns: columns.map((column) => ({ name: column, type: "text", nativeType: "text", nullable: true })),
}));

interface GivenRule {
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  readonly access?: "read" | "write" | "admin" | "none" | undefined;
  readonly mask?: MaskForm | undefined;
  readonly where?: string | undefined;
  readonly except?: readonly { readonly table: string }[] | undefined;
}

const tableGlob = fc.constantFrom("*", "p*", "person", "salary", "?erson");
const columnGlob = fc.constantFrom("*", "id", "e*", "amount");
const grant: fc.Arbitrary<GivenRule> = fc.record({
  table: fc.option(tableGlob, { nil: undefined }),
  column: fc.option(columnGlob, { nil: undefined }),
  access: fc.constantFrom("read", "write", "admin"),
});
const narrowing: fc.Arbitrary<GivenRule> = fc.oneof(
  fc.record({ table: tableGlob, column: fc.option(columnGlob, { nil: undefined }), access: fc.constant("none" as const) }),
  fc.record({ table: tableGlob, column: columnGlob, mask: fc.constantFrom("null", "redact", "hash", "partial") }),
  fc.record({ table: tableGlob, where: fc.constantFrom("id = 1", "id = 2") }),
);
const rules = fc.array(fc.oneof(grant, narrowing), { maxLength: 8 });

const principal = (): Principal => ({ id: "x", roles: ["r"], via: "local" });
const policyOf = (given: readonly GivenRule[]) =>
  compilePolicy([readPolicy("policy.yaml", JSON.stringify({ version: 1, roles: { r: { rules: given } } }))], {
    connections: [],
    tools: [],
  });

const tells = ["nothing", "null", "redact", "hash", "partial", "plain"];

/** How much somebody may do with everything there is, in numbers that can be compared. */
function reach(given: readonly GivenRule[]): Map<string, number> {
  const { grants } = policyOf(given).permissions(principal());
  const found = new Map<string, number>();
  for (const [name, columns] of Object.entries(world)) {
    const table = grants.table({ connection: "shop", schema: "public", table: name });
    for (const verb of verbs) {
      found.set(`${name} ${verb}`, Number(table.may(verb)));
      for (const column of columns) found.set(`${name}.${column} ${verb}`, Number(table.may(verb) && table.column(column, verb).visible));
    }
    found.set(`${name} rows`, -table.filters.length);
    for (const column of columns) {
      const { visible, mask } = table.column(column, "select");
      found.set(`${name}.${column} tells`, tells.indexOf(!visible ? "nothing" : typeof mask === "string" ? mask : "plain"));
    }
  }
  return found;
}

const atMost = (less: Map<string, number>, more: Map<string, number>) => {
  for (const [what, much] of less) assert.ok(much <= (more.get(what) ?? 0), `${what}: ${much} <= ${more.get(what)}`);
};

describe("the rules of a role", () => {
  it("come to the same in any order", () => {
    fc.assert(fc.property(rules, (given) => assert.deepEqual(reach(given), reach([...given].reverse()))));
  });

  it("come to the same when one is said twice", () => {
    const withoutFilters = (found: Map<string, number>) => [...found].filter(([what]) => !what.endsWith(" rows"));
    fc.assert(fc.property(rules, (given) => assert.deepEqual(withoutFilters(reach(given)), withoutFilters(reach([...given, ...given])))));
  });

  it("open no less with one more grant", () => {
    fc.assert(fc.property(rules, grant, (given, more) => atMost(reach(given), reach([...given, more]))));
  });

  it("open no more with one more refusal, mask or filter", () => {
    fc.assert(fc.property(rules, narrowing, (given, less) => atMost(reach([...given, less]), reach(given))));
  });

  it("open no more with a wider refusal than with one that has an exception", () => {
    fc.assert(
      fc.property(rules, tableGlob, (given, table) => {
        const refusal = { table, access: "none" } as const;
        atMost(reach([...given, refusal]), reach([...given, { ...refusal, except: [{ table: "purchase" }] }]));
      }),
    );
  });

  it("come to the same in one role, in several, and inherited", () => {
    fc.assert(
      fc.property(rules, rules, (a, b) => {
        const roles = { a: { rules: a }, b: { rules: b }, both: { inherits: ["a", "b"] }, one: { rules: [...a, ...b] } };
        const policy = compilePolicy([readPolicy("policy.yaml", JSON.stringify({ version: 1, roles }))], { connections: [], tools: [] });
        const seen = (...names: string[]) =>
          objects.flatMap(({ name, columns = [] }) => {
            const table = policy
              .permissions({ id: "x", roles: names, via: "local" })
              .grants.table({ connection: "shop", schema: "public", table: name });
            return [
              ...verbs.map((verb) => table.may(verb)),
              ...columns.map((column) => [table.column(column.name, "select").visible, table.column(column.name, "select").mask]),
            ];
          });
        assert.deepEqual(seen("one"), seen("a", "b"));
        assert.deepEqual(seen("one"), seen("both"));
      }),
    );
  });

  it("show in the catalog exactly what a statement may name", () => {
    fc.assert(
      fc.property(rules, (given) => {
        const policy = policyOf(given);
        const rule = rolesRule({
          policy: () => policy,
          columns: (_, { name }) => world[name] ?? [],
          salt: () => "s",
          now: () => new Date(),
        });
        const shown = visibleObjects(objects, policy.permissions(principal()), "shop");
        for (const { name, columns = [] } of objects) {
          const object = shown.find((one) => one.name === name);
          for (const { name: column } of columns) {
            const verdict = rule.judge({
              principal: principal(),
              connection: "shop",
              access: "read",
              statement: {
                kind: "read",
                analysis: {
                  verb: "select",
                  relations: [{ schema: "public", name, kind: "table", access: "read" }],
                  columns: [{ schema: "public", table: name, column, places: ["output"] }],
                  functions: [],
                  complexity: { relations: 1, joins: 0, depth: 1, recursive: false },
                  fingerprint: "0123456789abcdef",
                },
              },
            });
            const may = !("deny" in verdict);
            assert.equal(may, object?.columns?.some((one) => one.name === column) ?? false, `${name}.${column}`);
            if (!may) assert.equal((verdict as { deny: { code: string } }).deny.code, "NOT_FOUND");
          }
        }
      }),
    );
  });
});

describe("the hours of a role", () => {
  const at = (text: string) => new Date(`2026-11-${text}Z`);
  const cases: readonly (readonly [string, Parameters<typeof isOpen>[0], Date, boolean])[] = [
    ["begin with their first minute", { from: "08:00", to: "18:00" }, at("20T08:00:00"), true],
    ["end before their last", { from: "08:00", to: "18:00" }, at("20T18:00:00"), false],
    ["last until midnight", { from: "08:00", to: "24:00" }, at("20T23:59:59"), true],
    ["follow their zone", { from: "08:00", to: "18:00", zone: "America/New_York" }, at("20T12:30:00"), false],
    ["follow its summer time", { from: "08:00", to: "09:00", zone: "Europe/Berlin" }, new Date("2026-07-01T06:30:00Z"), true],
    ["are only on their days", { days: ["sat"], from: "00:00", to: "24:00" }, at("20T12:00:00"), false],
    ["cross midnight", { from: "22:00", to: "06:00" }, at("20T05:59:00"), true],
    ["belong to the day they began on", { days: ["fri"], from: "22:00", to: "06:00" }, at("21T05:59:00"), true],
    ["and not to the day they end on", { days: ["sat"], from: "22:00", to: "06:00" }, at("21T05:59:00"), false],
  ];
  for (const [title, hours, now, open] of cases) it(title, () => assert.equal(isOpen(hours, now), open));
});

describe("the line a plan ends with", () => {
  const restriction = { name: "person", hidden: ["ssn"], masks: [], where: [], values: {} };
  const cases: readonly (readonly [string, Parameters<typeof describeNarrowing>[0], string | undefined])[] = [
    ["is absent where nothing is narrowed", { maxRows: 5, readOnly: true }, undefined],
    ["does not tell of hidden columns", { restrictions: [restriction] }, undefined],
    [
      "names masks",
      {
        restrictions: [
          {
            ...restriction,
            masks: [
              { column: "email", form: "hash" },
              { column: "age", form: { sql: "age / 10" } },
            ],
          },
        ],
      },
      "person.email is masked (hash); person.age is masked (an expression)",
    ],
    ["names filters, and not what they ask", { restrictions: [{ ...restriction, where: ["secret = 1"] }] }, "rows of person are filtered"],
  ];
  for (const [title, given, text] of cases) it(title, () => assert.equal(describeNarrowing(given), text));
});
