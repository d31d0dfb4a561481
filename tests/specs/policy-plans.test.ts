import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Narrowing } from "../../core/contract/policy.ts";
import { refusePlan } from "../../core/query/restricted.ts";

const filtered: Narrowing = { restrictions: [{ name: "t", hidden: [], masks: [], where: ["x = 1"], values: {} }] };
const masked: Narrowing = { restrictions: [{ name: "t", hidden: [], masks: [{ column: "a", form: "redact" }], where: [], values: {} }] };

const mysql = { describesPlans: true };

describe("plans under a row filter", () => {
  for (const sql of [
    "explain select * from t",
    "  /* x */ EXPLAIN ANALYZE select 1",
    "-- x\nexplain (costs off) select 1",
    "desc select * from t",
    "describe with a as (select 1) select * from a",
    "analyze select * from t",
  ]) {
    it(`are refused, because they tell how many rows there are: ${sql.replace(/\s+/g, " ")}`, () => {
      assert.throws(() => refusePlan(sql, filtered, mysql), { code: "POLICY_DENIED" });
      refusePlan(sql, masked, mysql);
    });
  }

  it("leave descriptions and reads alone", () => {
    for (const sql of ["desc t", "describe t", "select 'explain' as word", "select explain from t"]) refusePlan(sql, filtered, mysql);
    // DuckDB describes the columns of a query so.
    refusePlan("describe select * from t", filtered, {});
  });
});
