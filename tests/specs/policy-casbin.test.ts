import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { loadCasbin } from "../../core/policy/casbin.ts";
import { compilePolicy, type RolePolicy } from "../../core/policy/roles/compile.ts";
import { readPolicy } from "../../core/policy/roles/read.ts";
import { type Verb, verbs } from "../../core/policy/roles/schema.ts";
import { Problem } from "../../core/problem.ts";

const model = `
[request_definition]
r = sub, obj, act

[policy_definition]
p = sub, obj, act, eft

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = g(r.sub, p.sub) && globMatch(r.obj, p.obj) && (r.act == p.act || p.act == "*")
`;
const known = { connections: [], tools: [] };

async function withCasbin(rules: string, yaml = "version: 1\n", columns = false, text = model): Promise<RolePolicy> {
  const ask = await loadCasbin({ name: "model.conf", text }, { name: "policy.csv", text: rules });
  return compilePolicy([readPolicy("policy.yaml", yaml)], known, { ask, columns, files: [] });
}

const may = (policy: RolePolicy, id: string, table: string, verb: Verb = "select", roles: string[] = []) =>
  policy.permissions({ id, roles, via: "oauth" }).grants.table({ connection: "shop", schema: "main", table }).may(verb);

describe("Casbin as the one who decides", () => {
  it("grants what its policy allows, to ids and to roles, and refuses what it denies", async () => {
    const policy = await withCasbin(`
      p, analyst, shop/main/*, select, allow
      p, analyst, shop/main/salary, select, deny
      p, alice, shop/main/note, *, allow
      g, bob, analyst`);
    assert.equal(may(policy, "bob", "person"), true);
    assert.equal(may(policy, "bob", "salary"), false);
    assert.equal(may(policy, "bob", "person", "update"), false);
    assert.equal(may(policy, "alice", "note", "delete"), true);
    assert.equal(may(policy, "carol", "person"), false);
  });

  it("says which of its rules refused", async () => {
    const policy = await withCasbin("p, bob, shop/main/*, select, allow\np, bob, shop/main/salary, select, deny");
    const table = policy
      .permissions({ id: "bob", roles: [], via: "local" })
      .grants.table({ connection: "shop", schema: "main", table: "salary" });
    assert.equal(table.refusedBy("select")?.id, "casbin: bob, shop/main/salary, select, deny");
  });

  it("is narrowed by the refusals, masks and filters of roles", async () => {
    const yaml = `
version: 1
principals: { bob: { roles: [reader] } }
roles:
  reader:
    rules:
      - { table: salary, access: none }
      - { table: person, column: email, mask: hash }
      - { table: person, where: "id > 1" }
`;
    const policy = await withCasbin("p, bob, shop/main/*, select, allow", yaml);
    const person = policy
      .permissions({ id: "bob", roles: [], via: "local" })
      .grants.table({ connection: "shop", schema: "main", table: "person" });
    assert.equal(may(policy, "bob", "salary"), false);
    assert.equal(person.column("email", "select").mask, "hash");
    assert.equal(person.filters.length, 1);
  });

  it("is asked for single columns where the policy wants it", async () => {
    const rules = "p, bob, shop/main/person, select, allow\np, bob, shop/main/person/id, select, allow";
    const visible = async (columns: boolean) => {
      const { grants } = (await withCasbin(rules, undefined, columns)).permissions({ id: "bob", roles: [], via: "local" });
      const table = grants.table({ connection: "shop", schema: "main", table: "person" });
      return ["id", "email"].map((name) => table.column(name, "select").visible);
    };
    assert.deepEqual(await visible(false), [true, true]);
    assert.deepEqual(await visible(true), [true, false]);
  });

  it("gives nobody the rights of a role by being named like it", async () => {
    const policy = await withCasbin("p, analyst, shop/main/*, select, allow", "version: 1\nroles: { analyst: {} }");
    assert.equal(may(policy, "analyst", "person"), false);
    assert.equal(may(policy, "x", "person", "select", ["analyst"]), true);
  });

  const wrong: readonly (readonly [string, () => Promise<unknown>, RegExp])[] = [
    [
      "a role that grants too",
      () => withCasbin("p, a, b, c, allow", "version: 1\nroles: { r: { rules: [{ access: read }] } }"),
      /policy\.yaml:2.*Casbin decides/,
    ],
    ["a line of an unknown kind", () => withCasbin("p, a, b, c, allow\nzzz, a"), /policy\.csv:2.*"zzz" is not defined/],
    ["a line that is too short", () => withCasbin("p, a, b"), /fewer parts/],
    ["a model that is none", () => withCasbin("", undefined, false, "nonsense"), /model\.conf/],
    [
      "a request of other parts",
      () => withCasbin("", undefined, false, model.replace("r = sub, obj, act", "r = sub, obj").replace(/m = .*/, "m = r.sub == p.sub")),
      /asked for 3/,
    ],
    ["an unknown function", () => withCasbin("p, a, b, c, allow", undefined, false, model.replace("globMatch", "nope")), /model\.conf/],
  ];
  for (const [title, make, words] of wrong) {
    it(`is refused for ${title}`, async () => {
      await assert.rejects(make(), (error) => {
        assert.ok(error instanceof Problem);
        assert.equal(error.code, "CONFIG_INVALID");
        assert.match(error.message, words);
        return true;
      });
    });
  }
});

/** Who may do what, in a form that both can be given. */
interface Access {
  readonly rules: readonly (readonly [role: string, table: string, verb: Verb, effect: "allow" | "deny"])[];
  readonly inherits?: readonly (readonly [from: string, to: string])[];
}

const engines: Readonly<Record<string, (access: Access) => Promise<RolePolicy>>> = {
  "our own rules": async ({ rules, inherits = [] }) => {
    const names = [...new Set([...rules.map(([role]) => role), ...inherits.flat()])];
    const entries = names.map((name) => [
      name,
      {
        inherits: inherits.filter(([from]) => from === name).map(([, to]) => to),
        rules: rules
          .filter(([role]) => role === name)
          .map(([, table, verb, effect]) => ({ table, verbs: [verb], access: effect === "deny" ? "none" : "admin" })),
      },
    ]);
    return compilePolicy([readPolicy("policy.yaml", JSON.stringify({ version: 1, roles: Object.fromEntries(entries) }))], known);
  },
  Casbin: ({ rules, inherits = [] }) => {
    const names = [...new Set([...rules.map(([role]) => role), ...inherits.flat()])];
    const lines = rules.map(([role, table, verb, effect]) => `p, ${role}, shop/main/${table}, ${verb}, ${effect}`);
    const yaml = JSON.stringify({ version: 1, roles: Object.fromEntries(names.map((name) => [name, {}])) });
    return withCasbin([...lines, ...inherits.map(([from, to]) => `g, ${from}, ${to}`)].join("\n"), yaml);
  },
};

for (const [name, make] of Object.entries(engines)) {
  describe(`access decided by ${name}`, () => {
    const cases: readonly (readonly [string, Access, readonly (readonly [role: string, table: string, verb: Verb, may: boolean])[]])[] = [
      [
        "refuses what nothing grants",
        { rules: [["a", "person", "select", "allow"]] },
        [
          ["a", "salary", "select", false],
          ["b", "person", "select", false],
        ],
      ],
      [
        "grants one verb and no other",
        { rules: [["a", "person", "select", "allow"]] },
        [
          ["a", "person", "select", true],
          ["a", "person", "update", false],
        ],
      ],
      [
        "lets a refusal beat a grant",
        {
          rules: [
            ["a", "*", "select", "allow"],
            ["a", "salary", "select", "deny"],
          ],
        },
        [
          ["a", "person", "select", true],
          ["a", "salary", "select", false],
        ],
      ],
      [
        "lets a wide refusal beat an exact grant",
        {
          rules: [
            ["a", "salary", "select", "allow"],
            ["a", "s*", "select", "deny"],
          ],
        },
        [["a", "salary", "select", false]],
      ],
      [
        "inherits grants and refusals",
        {
          rules: [
            ["b", "*", "select", "allow"],
            ["c", "salary", "select", "deny"],
          ],
          inherits: [
            ["a", "b"],
            ["a", "c"],
          ],
        },
        [
          ["a", "person", "select", true],
          ["a", "salary", "select", false],
          ["b", "salary", "select", true],
        ],
      ],
      [
        "inherits over several steps",
        {
          rules: [["c", "person", "select", "allow"]],
          inherits: [
            ["a", "b"],
            ["b", "c"],
          ],
        },
        [["a", "person", "select", true]],
      ],
      [
        "matches one character with ?",
        { rules: [["a", "t?", "select", "allow"]] },
        [
          ["a", "t1", "select", true],
          ["a", "t12", "select", false],
          ["a", "t", "select", false],
        ],
      ],
    ];
    for (const [title, access, asked] of cases) {
      it(title, async () => {
        const policy = await make(access);
        for (const [role, table, verb, wanted] of asked)
          assert.equal(may(policy, "x", table, verb, [role]), wanted, `${role} ${verb} ${table}`);
      });
    }
  });
}

describe("our roles and Casbin", () => {
  const roles = ["a", "b", "c", "d"];
  const tables = ["person", "persons", "salary", "purchase", "p"];
  const globs = ["*", "p*", "person*", "s?lary", "person", "salary", "purchase"];
  const rule = fc.record({
    role: fc.constantFrom(...roles),
    table: fc.constantFrom(...globs),
    verbs: fc.uniqueArray(fc.constantFrom(...verbs), { minLength: 1, maxLength: 3 }),
    denies: fc.boolean(),
  });
  // Only towards later roles, so that nothing inherits from itself.
  const inherits = fc.uniqueArray(fc.constantFrom("ab", "ac", "ad", "bc", "bd", "cd"));

  it("decide the same on random policies", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(rule, { maxLength: 12 }), inherits, async (rules, edges) => {
        const entries = roles.map((role) => [
          role,
          {
            inherits: edges.filter(([from]) => from === role).map((edge) => edge[1]),
            rules: rules
              .filter((each) => each.role === role)
              .map(({ table, verbs: named, denies }) => ({ table, verbs: named, access: denies ? "none" : "admin" })),
          },
        ]);
        const ours = compilePolicy([readPolicy("policy.yaml", JSON.stringify({ version: 1, roles: Object.fromEntries(entries) }))], known);
        const lines = rules.flatMap((each) =>
          each.verbs.map((verb) => `p, ${each.role}, shop/main/${each.table}, ${verb}, ${each.denies ? "deny" : "allow"}`),
        );
        const ask = await loadCasbin(
          { name: "model.conf", text: model },
          { name: "policy.csv", text: [...lines, ...edges.map(([from, to]) => `g, ${from}, ${to}`)].join("\n") },
        );
        for (const role of roles)
          for (const table of tables)
            for (const verb of verbs)
              assert.equal(may(ours, "x", table, verb, [role]), ask(role, `shop/main/${table}`, verb).allowed, `${role} ${verb} ${table}`);
      }),
      { numRuns: 60 },
    );
  });
});
