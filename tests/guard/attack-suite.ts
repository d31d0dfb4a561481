import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { collect, type GuardedEngine, openWorld, policy, type Told, type World } from "./harness.ts";
import type { Attacks } from "./portable-attacks.ts";
import { canary } from "./shop.ts";

const mostRows = 50;

/**
 * Tries attacks on an engine, in databases that differ in nothing but what the policy denies. Whatever `reader` is told has to be
 * the same in all of them, and nothing may have changed: not the file, not its folder, not the session.
 */
export function describeAttacks(engine: GuardedEngine, rules: string, groups: readonly Attacks[]): void {
  describe(`attacks on ${engine.name}`, () => {
    let first: World;
    let second: World;
    let gone: World;
    before(async () => {
      [first, second, gone] = await Promise.all([
        openWorld(engine, policy(rules), "first"),
        openWorld(engine, policy(rules), "second"),
        openWorld(engine, policy(rules), "gone"),
      ]);
    });
    after(() => Promise.all([first, second, gone].map((world) => world.close())));

    /** Row orders that follow from hashes alone tell nothing. */
    const told = ({ text, answered, rows }: Told, sql: string): string =>
      answered && rows > 1 && engine.unordered && !/order by/i.test(sql) ? JSON.stringify([...text].sort()) : text;

    const flawOf = async (sql: string, { must, unseen = true }: Attacks): Promise<string | undefined> => {
      const here = await first.ask(sql);
      const shown = here.answered ? here.values : here.text.replaceAll(sql, "");
      if (must === "refused" && here.answered) return "was answered";
      if (here.code === "INTERNAL") return "is an error nobody foresaw";
      if (canary.test(shown) && !(canary.test(sql) && !here.answered)) return "shows a value";
      if (here.rows > mostRows) return `gave ${here.rows} rows`;
      if (must === "refused") return undefined;
      if (told(here, sql) !== told(await second.ask(sql), sql)) return "follows from what is denied";
      if (unseen && told(here, sql) !== told(await gone.ask(sql), sql)) return "tells that something denied is there";
      if (!here.answered) return undefined;
      const [plan, other] = [await first.explain(sql), await second.explain(sql)];
      // What a join reads first is the engine's guess from sizes, also of what is filtered away: known, and left.
      const joins = /JOIN/.test(plan.text) || (plan.text.match(/SCAN|SEARCH/g) ?? []).length > 1;
      if (plan.text !== other.text && !joins) return "has a plan that follows from what is denied";
      return plan.answered && /tidegate_/.test(plan.text) ? "has a plan that names what stands before a table" : undefined;
    };

    for (const group of groups) {
      it(`class ${group.class}: ${group.title} (${group.sql.length})`, async () => {
        const state = await first.fingerprint();
        const flaws = await collect(group.sql, async (sql) => {
          const flaw = await flawOf(sql, group);
          return flaw === undefined ? undefined : `${sql.slice(0, 300)}: ${flaw}, ${(await first.ask(sql)).text.slice(0, 200)}`;
        });
        assert.deepEqual(flaws, []);
        assert.equal(await first.fingerprint(), state);
        assert.ok(!existsSync("stolen.csv") && !existsSync("stolen.db") && !existsSync("stolen"));
      });
    }

    it("shows nothing of what is denied to whoever inspects", async () => {
      const seen = [await first.inspect(undefined), await first.inspect("person"), await first.inspect("account")].join("\n");
      assert.ok(!/"salary"|"ssn"|"review"|"memo/.test(seen), seen.slice(0, 2000));
      assert.ok(!canary.test(seen), "a value is shown");
    });
  });
}
