import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Connection } from "../../core/contract/driver.ts";
import type { GuardedEngine } from "./harness.ts";

const marker = "(select max(amount) from salary)";
const never = new AbortController().signal;
/** A literal, a number, or a word that is not called: wherever one of them stands, an expression may. */
const spots = /"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\$\$[\s\S]*?\$\$|('(?:[^']|'')*'|\b\d+(?:\.\d+)?\b|\b[a-z_][\w.]*\b(?!\s*\())/gi;

/** Every text that has the marker in the place of one word or value of a shape. */
export function spliced(shapes: readonly string[]): string[] {
  const found = shapes.flatMap((shape) =>
    [...shape.matchAll(spots)]
      .filter(({ 1: spot }) => spot !== undefined)
      .map(({ 0: spot, index }) => shape.slice(0, index) + marker + shape.slice(index + spot.length)),
  );
  return [...new Set(found)];
}

/** Puts a denied subquery wherever it can stand. What the engine runs, the analyzer has to have seen it in. */
export function describeMarker(engine: GuardedEngine, shapes: readonly string[]): void {
  describe(`a subquery anywhere on ${engine.name}`, () => {
    const folder = mkdtempSync(join(tmpdir(), "tidegate-marker-"));
    const location = join(folder, "data.db");
    let connection: Connection;
    before(async () => {
      await engine.fill(location, "first");
      const driver = engine.driver();
      connection = await driver.connect({ scheme: driver.schemes[0] ?? "", location, options: {} }, { signal: never, readOnly: true });
    });
    after(async () => {
      await connection[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    });

    const runs = async (sql: string): Promise<boolean> => {
      try {
        await using rows = await connection.query(sql, [], { signal: never, batchSize: 10 });
        for await (const _ of rows) break;
        return true;
      } catch {
        return false;
      }
    };
    const isSeen = async (sql: string): Promise<boolean | undefined> => {
      const statements = await connection.analyze(sql, never).catch(() => undefined);
      if (statements === undefined) return undefined;
      return statements.some(
        ({ analysis }) =>
          analysis !== undefined &&
          (analysis.unresolved !== undefined ||
            analysis.relations.some(({ name }) => name === "salary") ||
            analysis.functions.some(({ trusted }) => !trusted)),
      );
    };

    const texts = spliced(shapes.filter((shape) => !/salary|^explain/i.test(shape)));
    it(`is seen or a syntax error (${texts.length})`, async () => {
      const missed: string[] = [];
      let seen = 0;
      for (const sql of texts) {
        const found = await isSeen(sql);
        if (found) seen++;
        if (found === false && (await runs(sql))) missed.push(sql);
      }
      assert.deepEqual(missed, []);
      assert.ok(seen > texts.length / 4, `${seen} of ${texts.length} could be read at all`);
    });
  });
}
