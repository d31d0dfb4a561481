import { after, before, describe, it } from "node:test";
import type { DriverSuite } from "../../core/contract/driver-suite.ts";
import { type PlannedCase, planSuite } from "./driver/suite.ts";

export type { Cannot, DriverFixture, DriverSuite } from "../../core/contract/driver-suite.ts";

/** Says in about eighty cases what every driver must do; a driver's own test file is a fixture and its quirks. */
export function describeDriver(suite: DriverSuite): void {
  const plan = planSuite(suite);
  const groups = new Map<string, PlannedCase[]>();
  for (const entry of plan.cases) groups.set(entry.group, [...(groups.get(entry.group) ?? []), entry]);
  describe(`driver ${suite.name}`, () => {
    before(() => plan.fill());
    after(() => plan[Symbol.asyncDispose]());
    for (const [group, entries] of groups) {
      describe(group, () => {
        for (const { name, skipped, run } of entries) (skipped ? it.skip : it)(name, run);
      });
    }
  });
}
