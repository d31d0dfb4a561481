// Runs a script with the Bun that package.json pins: `node scripts/with-bun.mjs scripts/test.ts [arguments]`.
// Plain Node without dependencies, because it is the first thing that runs in a fresh clone.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const read = (...path) => readFileSync(join(root, ...path), "utf8");
const pinned = JSON.parse(read("package.json")).devDependencies.bun;
const executable = process.platform === "win32" ? "bun.exe" : "bun";

const bun = findBun("node_modules") ?? findBun(".cache/bun/node_modules") ?? downloadBun();
installDependencies();
run([bun, "--no-install", "--no-env-file", ...process.argv.slice(2)]);

/** The pinned Bun inside a node_modules folder: in its own package if the install script ran, else still in the platform's package. */
function findBun(folder) {
  const platforms = existsSync(join(root, folder, "@oven")) ? readdirSync(join(root, folder, "@oven")) : [];
  const packages = [["bun", "bun.exe"], ...platforms.map((name) => [join("@oven", name), executable])];
  const programs = packages
    .filter(([name]) => existsSync(join(root, folder, name)) && JSON.parse(read(folder, name, "package.json")).version === pinned)
    .map(([name, file]) => join(root, folder, name, "bin", file));
  // Before the install script has run, a text of a few hundred bytes stands in for the program.
  const whole = programs.filter((path) => existsSync(path) && statSync(path).size > 1e6);
  // npm may unpack the glibc and the musl package side by side; only one of them runs here.
  return whole.length > 1 && whole.length === platforms.length ? whole.find(runs) : whole[0];
}

function runs(path) {
  return spawnSync(path, ["--version"]).status === 0;
}

/** Goes into a folder of its own, so that npm neither reads nor writes the dependencies that bun.lock pins. */
function downloadBun() {
  console.error(`Downloading Bun ${pinned} (once) …`);
  const folder = join(root, ".cache", "bun");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), "{}");
  const options = [
    "--ignore-scripts",
    "--include=optional",
    "--no-save",
    "--no-package-lock",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ];
  npm(["install", "--prefix", folder, ...options, `bun@${pinned}`]);
  const found = findBun(".cache/bun/node_modules");
  if (!found) fail(`npm installed Bun ${pinned}, but it has no program for ${process.platform}-${process.arch}`);
  return found;
}

function npm(args) {
  const script = process.env.npm_execpath;
  const viaNode = script && basename(script).startsWith("npm-cli");
  const [command, ...first] = viaNode ? [process.execPath, script] : ["npm"];
  const { status, error } = spawnSync(command, [...first, ...args], {
    cwd: root,
    stdio: "inherit",
    shell: !viaNode && process.platform === "win32",
  });
  if (status !== 0)
    fail(
      `npm could not install Bun ${pinned}${error ? `: ${error.message}` : ""}`,
      "Check the network connection and run the command again",
    );
}

/** Brings node_modules in line with bun.lock, and remembers that, so that the next start costs one hash. */
function installDependencies() {
  const record = join(root, "node_modules", ".installed");
  const wanted = createHash("sha256").update(read("bun.lock")).update(read("package.json")).digest("hex");
  if (existsSync(record) && readFileSync(record, "utf8") === wanted) return;
  console.error("Installing dependencies from bun.lock …");
  const { status } = spawnSync(bun, ["install", "--frozen-lockfile"], { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0) fail("The dependencies could not be installed", "Check the network connection and run the command again");
  writeFileSync(record, wanted);
}

function run([command, ...args]) {
  const child = spawn(command, args, { cwd: root, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    // A terminal sends Ctrl-C to the child as well; a second one would look like impatience.
    process.on(signal, () => (signal === "SIGINT" && process.stdin.isTTY ? undefined : child.kill(signal)));
  }
  child.on("error", (error) => fail(`Cannot start Bun: ${error.message}`, "Remove node_modules and .cache, and run the command again"));
  child.on("exit", (code, signal) => {
    if (!signal) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function fail(message, hint) {
  console.error(`Error: ${message}${hint ? `\nTry: ${hint}` : ""}`);
  process.exit(1);
}
