import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Principal } from "../../core/contract/policy.ts";
import { compilePolicy } from "../../core/policy/roles/compile.ts";
import { rateRule } from "../../core/policy/roles/rate.ts";
import { readPolicy } from "../../core/policy/roles/read.ts";

const principal = (id = "alice", roles = ["r"]): Principal => ({ id, roles, via: "oauth" });

function limited(yaml: string) {
  const policy = compilePolicy([readPolicy("policy.yaml", `version: 1\n${yaml}`)], { connections: [], tools: [] });
  const clock = { now: 0 };
  const rule = rateRule({ policy: () => policy, now: () => clock.now });
  return { clock, call: (who = principal()) => rule.judge({ principal: who }) };
}

const refusal = (verdict: ReturnType<ReturnType<typeof limited>["call"]>) =>
  "deny" in verdict ? verdict.deny : assert.fail("it was let through");

describe("a rate limit", () => {
  it("lets as many calls through at once as it names, then refuses and says when to come back", () => {
    const { call } = limited("roles: { r: { limits: { rate: 3/m } } }");
    for (let at = 0; at < 3; at++) assert.deepEqual(call(), {});
    const { code, message, hint, rule } = refusal(call());
    assert.equal(code, "RATE_LIMITED");
    assert.equal(message, 'Role "r" allows 3 calls a minute, and they are used up');
    assert.equal(hint, "Try again in 20 s");
    assert.equal(rule, "role r, limits.rate");
  });

  it("lets a call through after the time it named, and not before", () => {
    const { call, clock } = limited("roles: { r: { limits: { rate: 1/h } } }");
    call();
    clock.now = 3_599_000;
    assert.equal(refusal(call()).hint, "Try again in 1 s");
    clock.now = 3_600_000;
    assert.deepEqual(call(), {});
  });

  it("counts every principal for themselves", () => {
    const { call } = limited("roles: { r: { limits: { rate: 1/s } } }");
    assert.deepEqual(call(principal("alice")), {});
    assert.deepEqual(call(principal("bob")), {});
    refusal(call(principal("alice")));
  });

  it("holds for each of several roles, and a refused call counts against none", () => {
    const { call, clock } = limited("roles: { a: { limits: { rate: 1/s } }, b: { limits: { rate: 2/d } } }");
    const both = principal("alice", ["a", "b"]);
    assert.deepEqual(call(both), {});
    assert.match(refusal(call(both)).message, /"a"/);
    clock.now = 1000;
    assert.deepEqual(call(both), {});
    clock.now = 2000;
    assert.match(refusal(call(both)).message, /"b" allows 2 calls a day/);
  });

  it("is inherited", () => {
    const { call } = limited("roles: { r: { inherits: [base] }, base: { limits: { rate: 1/m } } }");
    call();
    refusal(call());
  });

  it("leaves whoever has none alone", () => {
    const { call } = limited("roles: { r: {} }");
    for (let at = 0; at < 1000; at++) assert.deepEqual(call(), {});
  });

  it("lets no more through in any span of time than the rate and what had been saved up", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.nat(3000), { maxLength: 200 }), (most, steps) => {
        const { call, clock } = limited(`roles: { r: { limits: { rate: ${most}/s } } }`);
        let passed = 0;
        for (const step of steps) {
          clock.now += step / 10;
          if (!("deny" in call())) passed++;
          assert.ok(passed <= most + (clock.now * most) / 1000 + 1e-6);
        }
      }),
    );
  });
});
