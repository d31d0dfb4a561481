import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Analysis, ColumnUse, FunctionUse, MaskForm, RelationUse } from "../../core/contract/analysis.ts";
import type { Statement } from "../../core/contract/driver.ts";
import type { Narrowing, Principal } from "../../core/contract/policy.ts";
import { guardRule } from "../../core/policy/guard.ts";
import { createPolicy } from "../../core/policy/policy.ts";
import { compilePolicy } from "../../core/policy/roles/compile.ts";
import { strictest } from "../../core/policy/roles/masks.ts";
import { readPolicy } from "../../core/policy/roles/read.ts";
import { rolesRule } from "../../core/policy/roles/roles-rule.ts";
import { meet } from "../../core/policy/verdict.ts";
import { Problem } from "../../core/problem.ts";

const world: Readonly<Record<string, readonly string[]>> = {
  person: ["id", "name", "email", "region"],
  salary: ["person_id", "amount"],
  purchase: ["id", "total"],
};
const known = { connections: ["shop", "crm"], tools: ["query", "inspect"] };
const compile = (...texts: string[]) =>
  compilePolicy(
    texts.map((text, at) => readPolicy(`policy${at === 0 ? "" : at}.yaml`, text)),
    known,
  );
const local: Principal = { id: "local", roles: [], via: "local" };

interface Asked {
  readonly reads?: readonly string[];
  readonly writes?: readonly RelationUse[];
  readonly functions?: readonly FunctionUse[];
  readonly parts?: Partial<Analysis>;
  readonly kind?: Statement["kind"];
  readonly principal?: Principal;
  readonly connection?: string;
}

/** Reads `table`, `table.column`, or `table.*`. */
function asked({ reads = [], writes = [], functions = [], parts, kind = "read", principal = local, connection = "shop" }: Asked) {
  const relations = [...new Set(reads.map((name) => name.split(".")[0] ?? ""))].map(
    (name): RelationUse => ({ schema: "public", name, kind: "table", access: "read" }),
  );
  const columns = reads.flatMap((name): ColumnUse[] => {
    const [table = "", column] = name.split(".");
    const used = { schema: "public", table, places: ["output"] as const };
    if (column === "*") return (world[table] ?? []).map((each) => ({ ...used, column: each, byStar: true }));
    return column === undefined ? [] : [{ ...used, column }];
  });
  const analysis: Analysis = {
    verb: "select",
    relations: [...relations, ...writes],
    columns,
    functions,
    complexity: { relations: relations.length, joins: 0, depth: 1, recursive: false },
    fingerprint: "0123456789abcdef",
    ...parts,
  };
  return { principal, connection, statement: { kind, analysis }, access: kind === "read" ? "read" : "write" } as const;
}

const judge = (text: string, request: Asked, now = new Date("2026-11-20T12:00:00Z")): Promise<Narrowing> => {
  const policy = compile(text);
  const rule = rolesRule({ policy: () => policy, columns: (_, { name }) => world[name] ?? [], salt: () => "salt", now: () => now });
  return createPolicy([guardRule(() => []), rule]).judge(asked(request));
};
const refused = (text: string, request: Asked, code = "POLICY_DENIED", words = /./, now?: Date) =>
  assert.rejects(judge(text, request, now), (error) => {
    assert.ok(error instanceof Problem);
    assert.equal(error.code, code);
    assert.match(error.message, words);
    assert.ok(error.hint);
    return true;
  });

const reader = `
version: 1
default: [reader]
roles:
  reader:
    rules:
      - { connection: shop, access: read }
`;
const ruled = (...rules: string[]) => `${reader}${rules.map((rule) => `      - ${rule}\n`).join("")}`;

describe("roles", () => {
  it("let nothing through that no rule grants", async () => {
    await refused(reader, { reads: ["person"], connection: "crm" }, "NOT_FOUND", /No table or view "person" is open to you/);
    await refused("version: 1\nroles: { r: {} }", { reads: ["person"] }, "POLICY_DENIED", /No role is given to "local"/);
  });

  it("let through what one grants", async () => {
    assert.deepEqual(await judge(reader, { reads: ["person.*"] }), {});
  });

  it("refuse in the words for something that is not there, so that a refusal tells nothing", async () => {
    await refused(
      ruled("{ table: salary, access: none }"),
      { reads: ["salary.amount"] },
      "NOT_FOUND",
      /No table or view "salary" is open to you/,
    );
  });

  it("let a refusal beat every grant, and an exception take part of a rule back", async () => {
    const policy = ruled('{ table: "*", access: none, except: [{ table: purchase }] }', "{ table: salary, access: read }");
    await refused(policy, { reads: ["salary"] }, "NOT_FOUND");
    assert.deepEqual(await judge(policy, { reads: ["purchase.total"] }), {});
  });

  it("grant single columns: the others do not exist", async () => {
    const policy = "version: 1\ndefault: [r]\nroles: { r: { rules: [{ table: person, column: [id, name], access: read }] } }";
    assert.deepEqual(await judge(policy, { reads: ["person.name"] }), {
      restrictions: [{ schema: "public", name: "person", hidden: ["email", "region"], masks: [], where: [], values: {}, salt: "salt" }],
    });
    await refused(policy, { reads: ["person.email"] }, "NOT_FOUND", /No column "email" is open to you/);
  });

  it("drop a refused column from a star", async () => {
    const narrowed = await judge(ruled("{ table: person, column: email, access: none }"), { reads: ["person.*"] });
    assert.deepEqual(narrowed.restrictions?.[0]?.hidden, ["email"]);
    assert.match(String(narrowed.rules), /role reader, rule 2 \(policy\.yaml:8\)/);
  });

  it("mask columns with the strictest mask any rule asks for", async () => {
    const policy = ruled("{ table: person, column: email, mask: partial }", '{ table: "*", column: "e*", mask: hash }');
    const [restriction] = (await judge(policy, { reads: ["person.name"] })).restrictions ?? [];
    assert.deepEqual(restriction?.masks, [{ column: "email", form: "hash" }]);
  });

  it("mask a view through the tables it reads, and by itself only where a rule names it", async () => {
    const onView: Asked = { writes: [{ schema: "public", name: "person", kind: "view", access: "read" }] };
    assert.deepEqual(await judge(ruled("{ column: email, mask: redact }", '{ table: "p*", where: "1 = 1" }'), onView), {});
    const named = await judge(ruled("{ table: person, column: email, mask: redact }"), onView);
    assert.deepEqual(named.restrictions?.[0]?.masks, [{ column: "email", form: "redact" }]);
  });

  it("filter rows by values of whoever asks, and refuse who has none", async () => {
    const policy = `${ruled('{ table: person, where: "region = :principal.region" }')}principals: { alice: { roles: [reader], values: { region: EU } } }`;
    const alice: Principal = { id: "alice", roles: [], via: "oauth" };
    const [restriction] = (await judge(policy, { reads: ["person.name"], principal: alice })).restrictions ?? [];
    assert.deepEqual([restriction?.where, restriction?.values], [["region = :region"], { region: "EU" }]);
    await refused(policy, { reads: ["person.name"] }, "POLICY_DENIED", /has no value "region"/);
  });

  it("refuse to write what is masked or filtered for the writer", async () => {
    const policy = ruled(
      "{ table: purchase, access: write }",
      "{ table: person, access: write }",
      "{ table: person, column: email, mask: redact }",
    );
    const write = (name: string): Asked => ({ kind: "write", writes: [{ schema: "public", name, kind: "table", access: "update" }] });
    assert.deepEqual(await judge(policy, write("purchase")), {});
    await refused(policy, write("person"), "POLICY_DENIED", /masked or hidden/);
    await refused(policy, write("salary"), "POLICY_DENIED", /You may read "public.salary", and not update it/);
  });

  it("keep the engine's catalog from who may not see all of a connection", async () => {
    const ask: Asked = { writes: [{ schema: "information_schema", name: "tables", kind: "catalog", tells: "structure", access: "read" }] };
    assert.deepEqual(await judge(reader, ask), {});
    await refused(ruled("{ table: salary, access: none }"), ask, "POLICY_DENIED", /inspect|not open to you/);
  });

  it("never read credentials", async () => {
    await refused(reader, { writes: [{ schema: "pg_catalog", name: "pg_authid", kind: "catalog", tells: "secrets", access: "read" }] });
  });

  it("inherit rules and limits, of which the smallest holds", async () => {
    const policy = `
version: 1
default: [child]
roles:
  parent: { rules: [{ connection: "*", access: read }], limits: { rows: 100, time: 2s } }
  child: { inherits: [parent], limits: { rows: 500, bytes: 1MB } }
`;
    assert.deepEqual(await judge(policy, { reads: ["person"] }), { maxRows: 100, maxMillis: 2000, maxBytes: 1024 ** 2 });
  });

  it("narrow by hours, known statements, complexity and functions", async () => {
    const role = (entry: string) => `version: 1\ndefault: [r]\nroles: { r: { rules: [{ access: read }], ${entry} } }`;
    const night = new Date("2026-11-20T23:30:00Z");
    await refused(
      role("hours: { from: '08:00', to: '18:00', zone: Europe/Berlin }"),
      { reads: ["person"] },
      "POLICY_DENIED",
      /closed at this hour/,
      night,
    );
    assert.deepEqual(
      await judge(role("hours: { days: [fri], from: '22:00', to: '06:00' }"), { reads: ["person"] }, new Date("2026-11-21T03:00:00Z")),
      {},
    );
    await refused(role("patterns: [fedcba9876543210]"), { reads: ["person"] }, "POLICY_DENIED", /known statements only/);
    await refused(
      role("limits: { joins: 1 }"),
      { parts: { complexity: { relations: 3, joins: 2, depth: 1, recursive: false } } },
      "POLICY_DENIED",
      /joins 2/,
    );
    const lower = { name: "lower", kind: "function", trusted: true } as const;
    await refused(role("functions: { deny: [lower] }"), { functions: [lower] }, "POLICY_DENIED", /"lower"/);
  });

  it("refuse what the analyzer did not understand and functions nobody reviewed", async () => {
    await refused(reader, { parts: { unresolved: { code: "POLICY_DENIED", message: "Odd", hint: "Try" } } }, "POLICY_DENIED", /Odd/);
    await refused(
      reader,
      { functions: [{ name: "pg_sleep", kind: "function", trusted: false }] },
      "POLICY_DENIED",
      /"pg_sleep" is not on the list/,
    );
  });

  it("give groups and listed principals their roles", async () => {
    const policy = `
version: 1
roles: { a: { rules: [{ table: person, access: read }] }, b: { rules: [{ table: salary, access: read }] } }
groups: { hr: [b] }
principals: { alice: { roles: [a] }, bob: { groups: [hr] } }
`;
    const as = (id: string, roles: string[] = []): Principal => ({ id, roles, via: "oauth" });
    assert.deepEqual(await judge(policy, { reads: ["person"], principal: as("alice") }), {});
    await refused(policy, { reads: ["salary"], principal: as("alice") }, "NOT_FOUND");
    assert.deepEqual(await judge(policy, { reads: ["salary"], principal: as("bob") }), {});
    assert.deepEqual(await judge(policy, { reads: ["salary"], principal: as("carol", ["hr"]) }), {});
  });
});

describe("a policy file", () => {
  const wrong: readonly (readonly [string, string[], RegExp])[] = [
    ["an unknown key", ["version: 1\nroles:\n  r:\n    rulez: []\n"], /policy\.yaml:4: roles\.r\.rulez: the key "rulez" is unknown/],
    ["an unknown mask", ["version: 1\nroles:\n  r:\n    rules:\n      - { column: a, mask: blur }\n"], /policy\.yaml:5/],
    ["a rule that decides nothing", ["version: 1\nroles:\n  r:\n    rules:\n      - { table: a }\n"], /policy\.yaml:5.*decides nothing/],
    ["a mask for no column", ["version: 1\nroles:\n  r:\n    rules:\n      - { table: a, mask: null }\n"], /policy\.yaml:5/],
    ["a circle of roles", ["version: 1\nroles:\n  a: { inherits: [b] }\n  b: { inherits: [a] }\n"], /circle: a → b → a/],
    ["an unknown role", ["version: 1\ndefault: [reeder]\nroles: { reader: {} }\n"], /policy\.yaml:2.*no role is named "reeder"/],
    [
      "a rule for no connection",
      ["version: 1\nroles:\n  r:\n    rules:\n      - { connection: shpo, access: read }\n"],
      /can never match.*"shpo"/,
    ],
    [
      "a rule its exception takes back",
      ["version: 1\nroles:\n  r:\n    rules:\n      - { table: a, access: read, except: [{ table: '*' }] }\n"],
      /can never match/,
    ],
    [
      "two files that disagree",
      ["version: 1\nroles:\n  r: { files: true }\n", "version: 1\nroles:\n  r: { files: false }\n"],
      /policy1\.yaml:3.*defined differently in policy\.yaml:3/,
    ],
    [
      "an unknown placeholder",
      ["version: 1\nroles:\n  r:\n    rules:\n      - { table: a, where: 'x = :region' }\n"],
      /":region" is no value/,
    ],
    ["text that is no YAML", ["version: 1\nroles: {"], /policy\.yaml:2/],
    ["another version", ["version: 2\n"], /policy\.yaml:1.*version/],
  ];
  for (const [title, texts, words] of wrong) {
    it(`is refused for ${title}, with file, line and remedy`, () => {
      assert.throws(
        () => compile(...texts),
        (error) => {
          assert.ok(error instanceof Problem);
          assert.equal(error.code, "CONFIG_INVALID");
          assert.match(error.message, words);
          assert.ok(error.hint);
          return true;
        },
      );
    });
  }
});

describe("masks and restrictions", () => {
  const form: fc.Arbitrary<MaskForm> = fc.oneof(
    fc.constantFrom("redact", "null", "hash", "partial"),
    fc.constantFrom("a", "b").map((sql) => ({ sql })),
  );
  const restriction = fc.record({
    name: fc.constantFrom("a", "b"),
    hidden: fc.uniqueArray(fc.constantFrom("x", "y")).map((list) => list.sort()),
    masks: fc.uniqueArray(fc.record({ column: fc.constantFrom("p", "q"), form }), { selector: ({ column }) => column }),
    where: fc.uniqueArray(fc.constantFrom("1 = 1", "2 = 2")),
    values: fc.constant({}),
  });
  const narrowing: fc.Arbitrary<Narrowing> = fc.record({
    restrictions: fc.uniqueArray(restriction, { selector: ({ name }) => name }),
    maxRows: fc.nat(),
  });

  it("meet in any order and any grouping", () => {
    fc.assert(
      fc.property(narrowing, narrowing, narrowing, (a, b, c) => {
        assert.deepEqual(meet([a, b, c]), meet([c, a, b]));
        assert.deepEqual(meet([meet([a, b]), c]), meet([a, meet([b, c])]));
        assert.deepEqual(meet([a, a]), meet([a]));
      }),
    );
  });

  it("never become weaker beside another", () => {
    const tells = ["null", "redact", "hash", "partial"];
    fc.assert(
      fc.property(form, form, (a, b) => {
        const both = strictest([a, b]);
        for (const one of [a, b]) {
          if (typeof one === "string" && typeof both === "string") assert.ok(tells.indexOf(both) <= tells.indexOf(one));
          if (typeof one !== "string" && typeof both !== "string") assert.deepEqual(both, one);
        }
      }),
    );
  });
});
