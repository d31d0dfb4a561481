import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CatalogObject } from "../../core/contract/catalog.ts";
import { comparePolicies } from "../../core/policy/keep/compare.ts";
import { catalogStatements, differences, type Outcome, readExpectations } from "../../core/policy/keep/expectations.ts";
import { callsOfTraces, patternsOf, patternsYaml } from "../../core/policy/keep/learn.ts";
import { expressionsToTry, lintRules } from "../../core/policy/keep/lint.ts";
import { suspicionOf } from "../../core/policy/keep/personal.ts";
import { proposePolicy } from "../../core/policy/keep/propose.ts";
import { namedPlaces } from "../../core/policy/keep/survey.ts";
import { compilePolicy } from "../../core/policy/roles/compile.ts";
import { readPolicy } from "../../core/policy/roles/read.ts";
import { policyJsonSchema } from "../../core/policy/roles/schema.ts";

const compile = (text: string) => compilePolicy([readPolicy("policy.yaml", text)], { connections: [], tools: ["query", "export"] });
const role = (...rules: string[]) =>
  compile(`version: 1\ndefault: [r]\nroles:\n  r:\n    rules:\n${rules.map((rule) => `      - ${rule}\n`).join("")}`);
const table = (name: string, columns: readonly string[], schema = "main"): CatalogObject => ({
  schema,
  name,
  kind: "table",
  columns: columns.map((column) => ({ name: column, type: "text", nativeType: "text", nullable: true })),
});
const objects = [table("person", ["id", "email", "birth_date"]), table("salary", ["person_id", "amount"])];
const places = objects.map(({ schema, name, columns = [] }) => ({
  connection: "shop",
  schema,
  table: name,
  columns: columns.map((column) => column.name),
}));

describe("comparing policies", () => {
  const changes = (before: string[], after: string[]) =>
    comparePolicies(role(...before), role(...after), places).map(
      ({ who, what, before: was, after: is }) => `${who} | ${what}: ${was} → ${is}`,
    );
  const cases: readonly (readonly [string, string[], string[], string[]])[] = [
    [
      "says nothing of policies that come to the same",
      ["{ access: read }"],
      ["{ access: read, table: person }", "{ access: read, table: s* }"],
      [],
    ],
    [
      "tells of masks",
      ["{ access: read }"],
      ["{ access: read }", "{ column: email, mask: hash }"],
      ["role r | shop: main.person.email: plain → masked (hash)"],
    ],
    [
      "tells of a whole table in one line",
      ["{ access: read }"],
      ["{ access: read }", "{ table: salary, access: none }"],
      ["role r | shop: main.salary: select → hidden"],
    ],
    [
      "tells of masks in a table that appears",
      ["{ access: read, table: salary }"],
      ["{ access: read }", "{ column: email, mask: null }"],
      ["role r | shop: main.person: hidden → select", "role r | shop: main.person.email: hidden → masked (null)"],
    ],
    [
      "tells of row filters",
      ["{ access: read }"],
      ["{ access: read }", "{ table: salary, where: amount < 9 }"],
      ["role r | shop: main.salary, rows: all → where amount < 9"],
    ],
    [
      "tells of verbs",
      ["{ access: read }"],
      ["{ access: read }", "{ table: salary, access: write }"],
      ["role r | shop: main.salary: select → select, insert, update, delete"],
    ],
  ];
  for (const [title, before, after, expected] of cases) it(title, () => assert.deepEqual(changes(before, after), expected));

  it("tells of limits, hours, tools and what else a role has", () => {
    const [before, after] = [
      compile("version: 1\nroles: { r: { limits: { rows: 5, rate: 1/m }, tools: [query] } }"),
      compile("version: 1\nroles: { r: { limits: { rows: 9, time: 2s }, files: false, hours: { from: '08:00', to: '18:00' } } }"),
    ];
    assert.deepEqual(
      comparePolicies(before, after, []).map(({ what, before: was, after: is }) => `${what}: ${was} → ${is}`),
      [
        "limit rows: 5 → 9",
        "limit rate (role r): 1/m → none",
        "tools (role r): query → none",
        "limit time: none → 2000",
        "files (role r): none → false",
        "hours (role r): none → 08:00 to 18:00 UTC",
      ],
    );
  });

  it("tells who gets and loses roles", () => {
    const before = compile("version: 1\ndefault: [a]\nroles: { a: {}, b: {} }\nprincipals: { alice: { roles: [a] } }");
    const after = compile("version: 1\nroles: { a: {}, c: {} }\nprincipals: { alice: { roles: [a, c] } }");
    assert.deepEqual(
      comparePolicies(before, after, []).map(({ who, what, before: was, after: is }) => `${who} ${what}: ${was} → ${is}`),
      [
        "role b the role: there → not there",
        "role c the role: not there → there",
        "principal alice roles: a → a, c",
        "everybody else roles: a → none",
      ],
    );
  });

  it("goes by what the policies name where there is no catalog", () => {
    const [before, after] = [
      role("{ access: read }"),
      role("{ access: read }", "{ connection: shop, table: p*, column: email, mask: hash }"),
    ];
    const found = comparePolicies(before, after, namedPlaces([before, after]));
    assert.deepEqual(
      found.map(({ what }) => what),
      ["shop: p*.email"],
    );
  });
});

describe("linting against a live catalog", () => {
  const lint = (...rules: string[]) => lintRules(role(...rules), new Map([["shop", objects]]));
  const cases: readonly (readonly [string, string, RegExp | undefined, RegExp?])[] = [
    ["a rule for all", "{ access: read }", undefined],
    ["a rule for a table that is there", "{ table: person, access: read }", undefined],
    ["a rule for a connection nobody looked at", "{ connection: crm, table: nope, access: read }", undefined],
    ["a table that is not there", "{ table: persn, access: none }", /rule matches nothing on shop: there is no table "persn"/, /"person"/],
    ["a schema that is not there", "{ schema: mian, access: none }", /matches nothing/, /"main"/],
    [
      "a column that is not there",
      "{ table: person, column: [id, emial], mask: hash }",
      /column that is in none of its tables on shop: "emial"/,
      /"email"/,
    ],
    ["a column of another table", "{ table: salary, column: email, mask: hash }", /"email"/],
    ["an exception for nothing", "{ access: none, except: [{ table: nope }] }", /exception matches nothing/],
  ];
  for (const [title, rule, words, hint] of cases) {
    it(`${words === undefined ? "passes" : "finds"} ${title}`, () => {
      const found = lint(rule);
      assert.equal(found.length, words === undefined ? 0 : 1);
      if (words !== undefined) assert.match(found[0]?.text ?? "", words);
      if (hint !== undefined) assert.match(found[0]?.hint ?? "", hint);
      if (words !== undefined) assert.equal(found[0]?.line, 6);
    });
  }

  it("gives every filter and every expression a table to be tried on", () => {
    const policy = role(
      "{ table: s*, where: amount < 9 }",
      "{ column: email, mask: { sql: lower(email) } }",
      "{ table: zzz, where: a = 1 }",
      "{ column: id, mask: hash }",
    );
    assert.deepEqual(
      expressionsToTry(policy, "shop", objects).map(({ object, column }) => [object.name, column]),
      [
        ["salary", undefined],
        ["person", "email"],
      ],
    );
  });
});

describe("proposing a policy", () => {
  const signs: readonly (readonly [string, string, string | undefined])[] = [
    ["email", "x", "partial"],
    ["EMAIL_ADDRESS", "x", "partial"],
    ["workEmail", "x", "partial"],
    ["phone_number", "x", "partial"],
    ["ssn", "x", "redact"],
    ["iban", "x", "redact"],
    ["card_number", "x", "redact"],
    ["street", "x", "redact"],
    ["postal-code", "x", "redact"],
    ["date_of_birth", "x", "null"],
    ["dob", "x", "null"],
    ["ip_address", "x", "hash"],
    ["lastName", "x", "partial"],
    ["name", "customers", "partial"],
    ["name", "products", undefined],
    ["password_hash", "x", "hidden"],
    ["apiKey", "x", "hidden"],
    ["refresh_token", "x", "hidden"],
    ["salary", "x", "null"],
    ["id", "customers", undefined],
    ["shipping_cost", "x", undefined],
    ["discard", "x", undefined],
    ["passenger_count", "x", undefined],
    ["tokenized", "x", undefined],
    ["hash", "x", undefined],
    ["created_at", "x", undefined],
  ];
  for (const [column, of, how] of signs)
    it(`takes ${of}.${column} for ${how ?? "nothing personal"}`, () => assert.equal(suspicionOf(column, of)?.how, how));

  it("writes a policy that loads, whatever the tables are called", () => {
    const odd = [
      table("person", ["email", "password", "e-mail"]),
      table('a "b": {c}, #d', ["ssn", "null", "yes"], "odd schema"),
      table("null", ["dob"]),
    ];
    const policy = compile(proposePolicy(odd, { title: "shop.db", connection: "shop", defaultSchema: "main" }));
    const { grants } = policy.permissions({ id: "local", roles: [], via: "local" });
    const look = (name: string, column: string, schema = "main") =>
      grants.table({ connection: "shop", schema, table: name }).column(column, "select");
    assert.deepEqual([look("person", "email").mask, look("person", "password").visible], ["partial", false]);
    assert.equal(look('a "b": {c}, #d', "ssn", "odd schema").mask, "redact");
    assert.equal(look("null", "dob").mask, "null");
  });

  it("writes one for a database without anything personal", () => {
    assert.doesNotThrow(() => compile(proposePolicy([], { title: "empty" })));
  });
});

describe("expectations of a policy", () => {
  const outcome: Outcome = {
    verdict: "allowed",
    masks: { "main.person.email": "hash" },
    hidden: ["main.person.ssn"],
    filtered: ["main.salary"],
    rules: ["role r, rule 2 (policy.yaml:6)"],
    maxRows: 50,
  };
  const denied: Outcome = {
    ...outcome,
    verdict: "denied",
    masks: {},
    hidden: [],
    filtered: [],
    code: "NOT_FOUND",
    message: "No table is open",
  };
  const base = { as: ["r"], sql: "select 1" };
  const cases: readonly (readonly [string, Parameters<typeof differences>[0], Outcome, RegExp | undefined])[] = [
    [
      "meet what was said",
      {
        ...base,
        expect: "allowed",
        masks: { "main.person.email": "hash" },
        hidden: ["MAIN.person.ssn"],
        filtered: ["main.salary"],
        rows: 50,
        rule: "rule 2",
      },
      outcome,
      undefined,
    ],
    ["miss a mask", { ...base, expect: "allowed", masks: {} }, outcome, /expected masks none, is main\.person\.email: hash/],
    ["miss another form", { ...base, expect: "allowed", masks: { "main.person.email": "null" } }, outcome, /expected masks/],
    ["miss a hidden column", { ...base, expect: "allowed", hidden: [] }, outcome, /expected hidden none/],
    ["miss a filter", { ...base, expect: "allowed", filtered: ["main.person"] }, outcome, /expected filtered main\.person/],
    ["miss a limit", { ...base, expect: "allowed", rows: 10 }, outcome, /expected rows 10, is 50/],
    ["miss the rule", { ...base, expect: "allowed", rule: "role x" }, outcome, /expected a rule with "role x"/],
    ["miss the verdict", { ...base, expect: "allowed" }, denied, /expected allowed, is denied: NOT_FOUND: No table is open/],
    ["meet a refusal", { ...base, expect: "denied", code: "NOT_FOUND", message: "no table" }, denied, undefined],
    ["miss its code", { ...base, expect: "denied", code: "POLICY_DENIED" }, denied, /expected code POLICY_DENIED, is NOT_FOUND/],
  ];
  for (const [title, expected, is, words] of cases) {
    it(title, () => {
      const found = differences(expected, is);
      assert.equal(found.length, words === undefined ? 0 : 1);
      if (words !== undefined) assert.match(found[0] ?? "", words);
    });
  }

  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ["no YAML", "tests: [", /Cannot read the policy test a\.yaml/],
    ["an unknown key", "connection: shop\ntests: [{ as: r, sql: a, expects: allowed }]", /expect/],
    ["neither role nor principal", "connection: shop\ntests: [{ sql: a, expect: allowed }]", /one of as and principal/],
    ["masks of what is denied", "connection: shop\ntests: [{ as: r, sql: a, expect: denied, masks: { a: hash } }]", /has no masks/],
    [
      "a target and a catalog",
      "connection: shop\ntarget: x\ncatalog: { engine: sqlite, tables: {} }\ntests: [{ as: r, sql: a, expect: denied }]",
      /one of target and catalog/,
    ],
    ["no tests", "connection: shop\ntests: []", /tests/],
  ];
  for (const [title, text, words] of wrong)
    it(`are refused with ${title}`, () =>
      assert.throws(() => readExpectations("a.yaml", text), { code: "CONFIG_INVALID", message: words }));

  it("declare tables of any name, and nothing but tables", () => {
    assert.deepEqual(catalogStatements({ engine: "duckdb", tables: { 's.a "b"': { 'c "d"': "decimal(10, 2)" }, t: { e: "text[]" } } }), [
      'create schema "s"',
      'create table "s"."a ""b""" ("c ""d""" decimal(10, 2))',
      'create table "t" ("e" text[])',
    ]);
    assert.throws(() => catalogStatements({ engine: "sqlite", tables: { t: { a: "text); drop table x; --" } } }), {
      code: "CONFIG_INVALID",
    });
    assert.throws(() => catalogStatements({ engine: "sqlite", tables: { "other.t": { a: "text" } } }), { code: "CONFIG_INVALID" });
  });
});

describe("learning patterns", () => {
  const span = (fingerprint: string, more: object = {}) => ({
    attributes: [
      { key: "tidegate.sql.fingerprint", value: { stringValue: fingerprint } },
      { key: "tidegate.connection", value: { stringValue: "shop" } },
    ],
    endTimeUnixNano: "1763683200000000000",
    status: {},
    ...more,
  });
  const line = (...spans: object[]) => JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });

  it("reads traces, without calls that failed and lines that were cut", () => {
    const lines = [
      line(span("aaaaaaaaaaaaaaaa"), { attributes: [] }),
      line(span("bbbbbbbbbbbbbbbb", { status: { code: 2 } })),
      '{"resourceSpans":[',
      "",
      "null",
      "7",
    ];
    assert.deepEqual(
      [...callsOfTraces(lines)],
      [{ fingerprint: "aaaaaaaaaaaaaaaa", connection: "shop", time: "2025-11-21T00:00:00.000Z" }],
    );
  });

  it("counts shapes, the most frequent first, and leaves out what was not analysed", () => {
    const call = (fingerprint: string, sql?: string) => ({ fingerprint, connection: "shop", time: "2026-11-20T00:00:00.000Z", sql });
    const patterns = patternsOf([
      call("b".repeat(16)),
      call("1234567890123456", "select\n 1"),
      call("1234567890123456"),
      call("0".repeat(16)),
      call("odd"),
    ]);
    const text = patternsYaml(patterns);
    assert.equal(
      text,
      `patterns:\n  - "1234567890123456" # 2 calls on shop, last 2026-11-20: select 1\n  - "${"b".repeat(16)}" # 1 call on shop, last 2026-11-20\n`,
    );
    const indented = text.replace(/^/gm, "    ");
    assert.equal(
      compile(`version: 1\nroles:\n  r:\n${indented}`).permissions({ id: "x", roles: ["r"], via: "local" }).entries[0]?.entry.patterns
        ?.length,
      2,
    );
  });
});

describe("the schema for editors", () => {
  it("knows every part of a policy", () => {
    const text = JSON.stringify(policyJsonSchema());
    for (const key of ["inherits", "affectedRows", "whereRequired", "except", "casbin", "principals"])
      assert.ok(text.includes(`"${key}"`), key);
  });
});
