import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Statement } from "../../core/contract/driver.ts";
import type { Narrowing, QueryRequest } from "../../core/contract/policy.ts";
import { limitsRule } from "../../core/policy/limits.ts";
import { createPolicy } from "../../core/policy/policy.ts";
import { readOnlyRule } from "../../core/policy/read-only.ts";
import { meet } from "../../core/policy/verdict.ts";
import { Problem } from "../../core/problem.ts";

const narrowing: fc.Arbitrary<Narrowing> = fc.record(
  { readOnly: fc.constant(true), maxRows: fc.nat(), maxMillis: fc.nat() },
  { requiredKeys: [] },
);

function request(kind: Statement["kind"], access: "read" | "write" = "read"): QueryRequest {
  return { principal: { id: "local", roles: [], via: "local" }, connection: "shop", statement: { kind }, access };
}

describe("verdicts", () => {
  it("meet in any order and any grouping", () => {
    fc.assert(
      fc.property(narrowing, narrowing, narrowing, (a, b, c) => {
        assert.deepEqual(meet([a, b, c]), meet([c, a, b]));
        assert.deepEqual(meet([meet([a, b]), c]), meet([a, meet([b, c])]));
        assert.deepEqual(meet([a, a]), meet([a]));
      }),
    );
  });

  it("never widen what another verdict narrowed", () => {
    fc.assert(
      fc.property(narrowing, narrowing, (a, b) => {
        const met = meet([a, b]);
        assert.ok((met.maxRows ?? Number.POSITIVE_INFINITY) <= (a.maxRows ?? Number.POSITIVE_INFINITY));
        assert.ok(met.readOnly === true || a.readOnly !== true);
      }),
    );
  });

  it("refuse when any of them denies", () => {
    assert.throws(() => meet([{ maxRows: 1 }, { deny: { code: "POLICY_DENIED", message: "No" } }]), { code: "POLICY_DENIED" });
  });
});

describe("the closed gate", () => {
  const rule = readOnlyRule((connection) => connection === "open");

  for (const kind of ["write", "schema", "session", "admin", "unknown"] as const) {
    it(`refuses a statement of kind ${kind} and says how to go on`, async () => {
      await assert.rejects(
        createPolicy([rule]).judge(request(kind)),
        (error) => error instanceof Problem && error.code === "POLICY_DENIED" && error.hint !== undefined,
      );
    });
  }

  it("lets reads through as read-only", async () => {
    assert.deepEqual(await createPolicy([rule]).judge(request("read")), { readOnly: true });
  });

  it("opens for one call only where the connection allows writing", async () => {
    await assert.rejects(createPolicy([rule]).judge(request("write", "write")), { code: "POLICY_DENIED" });
    assert.deepEqual(await createPolicy([rule]).judge({ ...request("write", "write"), connection: "open" }), {});
  });
});

describe("the open gate", () => {
  it("still refuses to change a session that others may use later", async () => {
    const policy = createPolicy([readOnlyRule(() => true)]);
    await assert.rejects(policy.judge(request("session", "write")), { code: "POLICY_DENIED" });
    assert.deepEqual(await policy.judge(request("schema", "write")), {});
  });
});

describe("limits", () => {
  it("come from the connection", async () => {
    const policy = createPolicy([limitsRule((name) => (name === "shop" ? { maxMillis: 5 } : {}))]);
    assert.deepEqual(await policy.judge(request("read")), { maxMillis: 5 });
  });
});
