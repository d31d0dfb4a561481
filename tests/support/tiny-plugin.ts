import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempFolder } from "./binary.ts";

/** A driver as a stranger would write it: TypeScript of its own, no file of this repository. It answers every SELECT with its own text. */
const source = (blocking: boolean) => `
interface Host { readonly contract: 1; readonly folder?: string; log(level: string, message: string): void }
const greeting: string = "tiny says";
export default (host: Host) => ({
  drivers: [{
    name: "tiny",
    schemes: ["tiny"],
    facts: { title: "Tiny", identifierQuote: '"', blocking: ${blocking} },
    async connect(target: { location: string }) {
      return {
        async query(sql: string) {
          if (sql.includes("meltdown")) throw new TypeError("the core is open");
          const columns = [{ name: "answer", type: "text", nativeType: "TEXT" }, { name: "pid", type: "int", nativeType: "INT" }];
          return {
            columns,
            async *[Symbol.asyncIterator]() { yield { length: 1, columns: [[greeting + " " + target.location + " " + sql], [process.pid]] } },
            async [Symbol.asyncDispose]() {},
          };
        },
        async analyze(sql: string) { return [{ kind: /^select/i.test(sql) ? "read" : "write" }] },
        async explain() { return "tiny plan" },
        catalog: { async read() { return [] } },
        async ping() {},
        async proveReadOnly() { return { state: "verified", attempts: [{ attempt: "write", refused: true }] } },
        async [Symbol.asyncDispose]() {},
      };
    },
    diagnose: () => undefined,
  }],
});
`;

export interface TinyPlugin {
  readonly blocking?: boolean;
  /** Changes to the manifest after hashing. */
  readonly manifest?: Readonly<Record<string, unknown>>;
  /** Replaces the code after hashing. */
  readonly code?: string;
}

/** Builds the plugin outside the repository with the runtime's own bundler and puts it into `pluginFolder`. */
export function installTinyPlugin(pluginFolder: string, change: TinyPlugin = {}): string {
  const workshop = tempFolder();
  writeFileSync(join(workshop, "tiny.ts"), source(change.blocking ?? false));
  const folder = join(pluginFolder, "tiny");
  mkdirSync(folder, { recursive: true });
  const bun = join(import.meta.dirname, "../../node_modules/.bin/bun");
  execFileSync(bun, ["build", "--target=node", "--format=esm", "--minify", "tiny.ts", "--outfile", join(folder, "index.js")], {
    cwd: workshop,
    stdio: "pipe",
  });
  const bytes = readFileSync(join(folder, "index.js"));
  const files = { "index.js": { sha256: createHash("sha256").update(bytes).digest("hex"), size: bytes.length } };
  const manifest = {
    schema: 1,
    name: "tiny",
    version: "1.0.0",
    contract: 1,
    schemes: ["tiny"],
    entry: "index.js",
    platform: "any",
    files,
    ...change.manifest,
  };
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
  if (change.code !== undefined) writeFileSync(join(folder, "index.js"), change.code);
  return folder;
}
