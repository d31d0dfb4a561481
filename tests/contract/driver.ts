import { after, before, describe, it } from "node:test";
import type { DriverSuite } from "../../core/contract/driver-suite.ts";
import { type PlannedCase, planSuite } from "./driver/suite.ts";

export type { Cannot, DriverFixture, DriverSuite } from "../../core/contract/driver-suite.ts";

/** A million rows through a slow protocol, on a machine that does other things as well. Bun ends the servers of a file together with a case that is late. */
const bulkMillis = 600_000;

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
        const patience = group === "moves bulk" ? { timeout: bulkMillis } : {};
        for (const { name, skipped, run } of entries) (skipped ? it.skip : it)(name, patience, run);
      });
    }
  });
}
