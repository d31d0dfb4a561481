import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { keysAt } from "../core/config/schema.ts";
import { placedSettings } from "../core/config/settings.ts";
import { problemTable } from "../core/problem.ts";

const document = (name: string): string => readFileSync(new URL(`../docs/${name}`, import.meta.url), "utf8");

/** The rows of the table below a heading, its header left out, each as its cells. */
function tableAfter(text: string, heading: string): string[][] {
  const lines = text.slice(text.indexOf(heading)).split("\n");
  const start = lines.findIndex((line) => /^\|-/.test(line)) + 1;
  const end = lines.findIndex((line, index) => index >= start && !line.startsWith("|"));
  return lines.slice(start, end === -1 ? undefined : end).map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
}

describe("docs/configuration.md", () => {
  it("lists every setting as the schema has it", () => {
    const rows = placedSettings.map(({ path, variable, setting }) => [
      `\`${path}\``,
      `\`${variable}\``,
      `\`${setting.fallback}\``,
      setting.about,
    ]);
    assert.deepEqual(tableAfter(document("configuration.md"), "## Settings"), rows);
  });

  it("lists every key of a connection", () => {
    const keys = tableAfter(document("configuration.md"), "## Connections").map(([key]) => key);
    assert.deepEqual(
      keys,
      keysAt(["connections", "name"]).map((key) => `\`${key}\``),
    );
  });
});

describe("docs/problems.md", () => {
  it("lists every code with its status, exit code and whether trying again helps", () => {
    const rows = Object.entries(problemTable).map(([code, { http, exit, retryable }]) => [
      `\`${code}\``,
      `${http}`,
      `${exit}`,
      retryable ? "yes" : "no",
    ]);
    const written = tableAfter(document("problems.md"), "# Problems");
    assert.deepEqual(
      written.map((row) => row.slice(0, 4)),
      rows,
    );
    assert.ok(written.every((row) => row.length === 6 && row.every((cell) => cell !== "")));
  });
});
