import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { configSchema } from "../../core/config/schema.ts";
import { readExpectations } from "../../core/policy/keep/expectations.ts";
import { compilePolicy } from "../../core/policy/roles/compile.ts";
import { readPolicy } from "../../core/policy/roles/read.ts";
import { accessLevels, maskForms, verbs } from "../../core/policy/roles/schema.ts";
import { toolNames } from "../../core/tools/names.ts";

const page = readFileSync(new URL("../../docs/policy.md", import.meta.url), "utf8");
const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text = ""]) => text);

describe("docs/policy.md", () => {
  for (const [at, text] of blocks.entries()) {
    it(`shows YAML that loads: ${at + 1}, ${text.split("\n").find((line) => !/^version/.test(line))}`, () => {
      const { version, tests, casbin } = parse(text) as Record<string, unknown>;
      if (tests !== undefined) return void readExpectations("policy.test.yaml", text);
      if (version === undefined) return assert.ok(configSchema.safeParse(parse(text)).success);
      const ask = casbin === undefined ? undefined : { ask: () => ({ allowed: true }), columns: false, files: [] };
      compilePolicy([readPolicy("policy.yaml", text)], { connections: ["shop"], tools: toolNames }, ask);
    });
  }

  it("names every access, verb, mask, tool and limit", () => {
    for (const word of [
      ...accessLevels,
      ...verbs,
      ...maskForms,
      ...toolNames,
      "rate",
      "cost",
      "affectedRows",
      "joins",
      "depth",
      "relations",
    ])
      assert.ok(page.includes(`\`${word}\``), word);
  });
});
