import { join } from "node:path";
import { denoPath } from "./run.ts";
import { root } from "./targets.ts";

/** Launchers are JavaScript, so this Bun runs them: no install script and no Node needed. */
function checks(): readonly { readonly name: string; readonly command: readonly string[] }[] {
  const module = (...path: string[]) => [process.execPath, join(root, "node_modules", ...path)];
  return [
    { name: "types (tsc)", command: [...module("typescript", "bin", "tsc"), "-p", "."] },
    { name: "lint and format (biome)", command: [...module("@biomejs", "biome", "bin", "biome"), "check", "--error-on-warnings", "."] },
    { name: "types (deno)", command: [denoPath(), "check", "--quiet", "cli", "core", "plugins"] },
  ];
}

/** Runs every check at once, prints the output of those that fail, and returns how many did which. */
export async function runChecks(): Promise<{ readonly passed: number; readonly failed: number }> {
  const results = await Promise.all(
    checks().map(async ({ name, command }) => {
      const started = performance.now();
      const child = Bun.spawn([...command], { cwd: root, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
      const [code, ...output] = await Promise.all([child.exited, new Response(child.stdout).text(), new Response(child.stderr).text()]);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.log(`${code === 0 ? "✓" : "✗"} ${name} (${seconds} s)${code === 0 ? "" : `\n${output.join("").trim()}\n`}`);
      return code === 0;
    }),
  );
  const passed = results.filter(Boolean).length;
  return { passed, failed: results.length - passed };
}

if (import.meta.main) {
  const { failed } = await runChecks();
  process.exitCode = failed === 0 ? 0 : 1;
}
