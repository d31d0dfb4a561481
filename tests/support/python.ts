import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import type { Absent } from "./services-folder.ts";

/** Runs a script with arguments, and gives what it prints as JSON. */
export type Python = (script: string, ...args: string[]) => Promise<unknown>;

/** A Python that has these modules, or why there is none; `debian` is the package that a system's own Python has them from. */
export function findPython(modules: readonly string[], debian?: string): Python | Absent {
  const program = having(modules) ?? (debian !== undefined && install(debian) ? having(modules) : undefined);
  if (program === undefined) return { absent: `python3 with ${modules.join(", ")} is not installed` };
  return async (script, ...args) => {
    const { stdout } = await promisify(execFile)(program, ["-c", script, ...args], {
      maxBuffer: 2 ** 26,
      env: { ...process.env, PYTHONIOENCODING: "utf8" },
    });
    return JSON.parse(stdout);
  };
}

function having(modules: readonly string[]): string | undefined {
  const imports = modules.map((name) => `import ${name}`).join("; ");
  return ["/usr/bin/python3", "python3"].find((program) => spawnSync(program, ["-c", imports], { stdio: "ignore" }).status === 0);
}

/** Says whether the system's packages were asked for it. */
function install(debian: string): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) return false;
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  spawnSync("apt-get", ["update", "-q"], { env, stdio: "ignore" });
  spawnSync("apt-get", ["install", "-y", "--no-install-recommends", debian], { env, stdio: "ignore" });
  return true;
}
