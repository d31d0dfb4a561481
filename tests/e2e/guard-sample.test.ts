import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { duckdbAttacks } from "../guard/duckdb-attacks.ts";
import { duckdbLegitimate } from "../guard/duckdb-legitimate.ts";
import { duckdbEngine, duckdbRules } from "../guard/duckdb-shop.ts";
import { type GuardedEngine, policy } from "../guard/harness.ts";
import { type Attacks, portableAttacks } from "../guard/portable-attacks.ts";
import { canary } from "../guard/shop.ts";
import { sqliteAttacks } from "../guard/sqlite-attacks.ts";
import { sqliteLegitimate } from "../guard/sqlite-legitimate.ts";
import { sqliteEngine, sqliteRules } from "../guard/sqlite-shop.ts";
import { binary, privateEnvironment, tempFolder } from "../support/binary.ts";

/** Every so manieth of a list, from its first: a sample that is the same each time. */
const every = <One>(count: number, list: readonly One[]): readonly One[] => list.filter((_, at) => at % count === 0);

interface Sample {
  readonly engine: GuardedEngine;
  readonly rules: string;
  readonly attacks: readonly Attacks[];
  readonly legitimate: readonly string[];
}

/** What the suites of the guard try in this process, tried again as an assistant would: over MCP, on the binary. */
for (const { engine, rules, attacks, legitimate } of [
  { engine: sqliteEngine, rules: sqliteRules, attacks: [...portableAttacks, ...sqliteAttacks], legitimate: sqliteLegitimate },
  { engine: duckdbEngine, rules: duckdbRules, attacks: [...portableAttacks, ...duckdbAttacks], legitimate: duckdbLegitimate },
] satisfies Sample[]) {
  describe(`the guard of ${engine.name} in the binary`, () => {
    const folder = tempFolder();
    const database = join(folder, "data.db");
    const client = new Client({ name: "assistant", version: "1" });
    const ask = async (sql: string): Promise<{ readonly text: string; readonly refused: boolean }> => {
      const { content, isError } = await client.callTool({ name: "query", arguments: { sql } });
      const [first] = content as readonly { readonly text?: string }[];
      return { text: (first?.text ?? "").replace(/; trace \w+$/, ""), refused: isError === true };
    };
    const digest = () => createHash("sha256").update(readFileSync(database)).digest("hex");
    before(async () => {
      await engine.fill(database, "first");
      const file = join(folder, "policy.yaml");
      writeFileSync(file, policy(rules));
      chmodSync(file, 0o600);
      const env = { ...privateEnvironment(folder), TIDEGATE_POLICY_FILE: file };
      const args = ["serve", "--connection", `shop=${engine.driver().schemes[0]}:${database}`];
      await client.connect(new StdioClientTransport({ command: binary, args, env, cwd: folder, stderr: "pipe" }));
    });
    after(() => client.close());

    it("refuses what attacks, or tells nothing by it, and changes nothing", async () => {
      const whole = digest();
      const flaws: string[] = [];
      for (const { must, sql: statements } of attacks) {
        for (const sql of every(12, statements)) {
          const { text, refused } = await ask(sql);
          // The names of columns are the statement's own words.
          const shown = refused ? text.replaceAll(sql, "") : text.slice(text.indexOf("\n") + 1);
          if (must === "refused" && !refused) flaws.push(`${sql}: was answered`);
          else if (/^INTERNAL/.test(text)) flaws.push(`${sql}: ${text}`);
          else if (canary.test(shown) && !(refused && canary.test(sql))) flaws.push(`${sql}: shows a value`);
        }
      }
      assert.deepEqual(flaws, []);
      assert.equal(digest(), whole);
    });

    it("answers what analysts ask", async () => {
      const refused: string[] = [];
      for (const sql of every(5, legitimate)) {
        const told = await ask(sql);
        if (told.refused) refused.push(`${sql}: ${told.text}`);
      }
      assert.deepEqual(refused, []);
    });
  });
}
