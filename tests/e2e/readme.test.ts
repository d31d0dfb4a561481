import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { before, describe, it } from "node:test";
import { binary, privateEnvironment, tempFolder } from "../support/binary.ts";
import { createTestRegistry } from "../support/plugin-registry.ts";

const root = resolve(import.meta.dirname, "../..");
const documents = [
  "README.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`)
    .sort(),
];

/** The lines of every `sh` block that run tidegate, with settings of its own before it or not; `cd` keeps its meaning within a document. */
function commandsOf(document: string): string[] {
  const blocks = readFileSync(join(root, document), "utf8").matchAll(/^```sh\n([\s\S]*?)^```/gm);
  return [...blocks]
    .flatMap(([, block = ""]) => block.replaceAll("\\\n", " ").split("\n"))
    .filter((line) => /^(?:cd|(?:TIDEGATE_\w+=(?:"[^"]*"|\S+) )*tidegate) /.test(line));
}

describe("every documented command works as it stands", () => {
  const home = tempFolder();
  const programs = join(home, "bin");
  const registry = createTestRegistry();
  const env = { ...privateEnvironment(home), ...registry.env(), PATH: `${programs}:${process.env.PATH}` };
  before(() => {
    registry.publish([registry.pack({ name: "postgres" })]);
    execFileSync("mkdir", ["-p", programs]);
    symlinkSync(binary, join(programs, "tidegate"));
  });

  for (const document of documents) {
    const commands = commandsOf(document);
    if (commands.length === 0) continue;
    it(document, () => {
      let cwd = tempFolder();
      if (document !== "README.md") {
        execFileSync("tidegate", ["demo", "tidegate-demo", "--quiet"], { cwd, env });
        cwd = join(cwd, "tidegate-demo");
        cpSync(registry.folder, join(cwd, "bundle"), { recursive: true });
      }
      for (const command of commands) {
        const folder = /^cd (\S+)/.exec(command)?.[1];
        if (folder === undefined) assert.doesNotThrow(() => execFileSync("sh", ["-c", command], { cwd, env, stdio: "pipe" }), command);
        else cwd = join(cwd, folder);
      }
    });
  }
});
