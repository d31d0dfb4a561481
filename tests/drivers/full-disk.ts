import assert from "node:assert/strict";
import type { Connection, Driver } from "../../core/contract/driver.ts";
import { rowsOf } from "../contract/driver/bench.ts";

/** How large the disk is that servers fill in tests. */
export const megabytes = 24;

/** Fills the disk, and says what became of it. */
export async function fill(driver: Driver, connection: Connection, insert: string): Promise<void> {
  for (let round = 0; round < 100; round++) {
    const error = await rowsOf(connection, insert).then(
      () => undefined,
      (failure) => failure,
    );
    if (error === undefined) continue;
    const diagnosis = driver.diagnose(error);
    assert.equal(diagnosis?.code, "CONNECTION_FAILED", diagnosis?.message);
    assert.match(`${diagnosis?.message} ${diagnosis?.hint}`, /space|full|room/i);
    return;
  }
  assert.fail("The disk was never full");
}
