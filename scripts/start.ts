import { spawnSync } from "node:child_process";
import { join, relative } from "node:path";
import { demoCommands, shellWord } from "../core/demo/commands.ts";
import { binary, ensureBinary } from "./build.ts";
import { root } from "./targets.ts";

const program = shellWord(relative(root, binary));
const shown = join("dist", "demo");

/** Shows a command as one would type it, runs it, and ends the tour with its exit code when it fails. */
function run(about: string, line: string, output: "inherit" | "ignore" = "inherit"): void {
  console.log(`\n# ${about}\n$ ${line}`);
  const { status } = spawnSync(line, { cwd: root, shell: true, stdio: ["ignore", output, "inherit"] });
  if (status !== 0) process.exit(status ?? 1);
}

await ensureBinary();
const commands = demoCommands({ folder: join(root, shown), shown, binary: program });
// The last one is a server: it would wait for a client.
const server = commands.pop();
run("A sample shop to play with", `${program} demo ${shown} --quiet`, "ignore");
for (const { about, line } of commands) run(about, line);
console.log(`
It works. Next, from this folder:

  ${server?.line}
    ${server?.about}
  ${program} --help
    Every command
  sh install.sh --from-source
    Puts tidegate into ~/.local/bin`);
