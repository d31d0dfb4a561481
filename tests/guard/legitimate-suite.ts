import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { collect, type GuardedEngine, openWorld, policy, type Told, type World } from "./harness.ts";
import { canary } from "./shop.ts";

/** Shares of statements that must be let through, and be answered with masks rather than refused. */
const leastAllowed = 0.99;
const leastMasked = 0.95;

/** The SQLite of another runtime has fewer functions. */
const lacks = ({ text }: Told): boolean => /^SQL_INVALID: Function "\w+" does not exist/.test(text);

/** Runs what analysts write as they would run it alone, behind a filter that keeps every row, and as somebody for whom columns are masked. */
export function describeLegitimate(
  engine: GuardedEngine,
  { rules, tables }: { readonly rules: string; readonly tables: string },
  {
    plain,
    masked,
    unfiltered = [],
  }: {
    readonly plain: readonly string[];
    readonly masked: readonly string[];
    /** They run only where nothing they read is filtered or masked. */
    readonly unfiltered?: readonly string[];
  },
): void {
  const world = { open: undefined as World | undefined };
  const opened = (): World => world.open as World;

  describe(`legitimate queries on ${engine.name}`, () => {
    before(async () => {
      world.open = await openWorld(engine, policy(rules, tables));
    });
    after(() => opened().close());

    const sorted = (text: string, sql: string): string =>
      engine.unordered && !/order by/i.test(sql) ? JSON.stringify([...text].sort()) : text;

    it(`give the same rows through a filter that keeps all (${plain.length})`, async () => {
      // Of what is filtered no plan is shown.
      const filtered = plain.filter((sql) => !/^(explain|describe select)/i.test(sql));
      const flaws = await collect(filtered, async (sql) => {
        const [alone, kept] = [await opened().ask(sql, "root"), await opened().ask(sql, "keeper")];
        if (lacks(alone)) return undefined;
        if (!alone.answered) return `${sql}: cannot run at all, ${alone.text}`;
        if (!kept.answered) return `${sql}: ${kept.text}`;
        return sorted(alone.values, sql) === sorted(kept.values, sql)
          ? undefined
          : `${sql}: other rows\n${alone.text.slice(0, 300)}\n${kept.text.slice(0, 300)}`;
      });
      assert.deepEqual(flaws, []);
    });

    it("are let through where something else is denied, masked and filtered", async () => {
      const refused = await collect([...plain, ...unfiltered], async (sql) => {
        const told = await opened().ask(sql);
        return told.answered || lacks(told) ? undefined : `${sql}: ${told.text}`;
      });
      assert.ok(refused.length <= plain.length * (1 - leastAllowed), refused.join("\n"));
    });

    it(`are answered with masks (${masked.length})`, async () => {
      const shown: string[] = [];
      const refused = await collect(masked, async (sql) => {
        const told = await opened().ask(sql);
        if (canary.test(told.values)) shown.push(`${sql}: ${told.values.slice(0, 200)}`);
        return told.answered ? undefined : `${sql}: ${told.text}`;
      });
      assert.deepEqual(shown, []);
      assert.ok(refused.length <= masked.length * (1 - leastMasked), refused.join("\n"));
    });
  });
}
