import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { root } from "./targets.ts";

/** Runs npm to its end and throws with its output when it fails. Works without a shell, also on Windows. */
export function npm(args: readonly string[]): string {
  const script = process.env.npm_execpath;
  const command = script && basename(script).startsWith("npm-cli") ? [process.env.npm_node_execpath ?? "node", script] : ["npm"];
  const { success, stdout, stderr } = Bun.spawnSync([...command, ...args], { cwd: root });
  if (!success) throw new Error(`npm ${args.join(" ")} failed: ${stderr.toString().trim()}`);
  return stdout.toString();
}

/** The Deno that `bun.lock` pins: its own file, because the package's launcher needs an install script that may not have run. */
export function denoPath(): string {
  const file = process.platform === "win32" ? "deno.exe" : "deno";
  const packageName = `@deno/${process.platform}-${process.arch}${process.platform === "linux" ? "-glibc" : ""}`;
  const found = join(root, "node_modules", packageName, file);
  if (!existsSync(found))
    throw new Error(`Deno is not installed for ${process.platform}-${process.arch}; remove node_modules and start again`);
  return found;
}
