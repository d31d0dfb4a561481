import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import packageFacts from "../package.json" with { type: "json" };
import { writeArchive, writeChecksums } from "./archive.ts";
import { compile } from "./compile.ts";
import { licenseText } from "./licenses.ts";
import { packNatives } from "./natives.ts";
import { releaseKeys, trustedKeys } from "./signing.ts";
import { hostTarget, root, type Target, targets } from "./targets.ts";

const binFolder = join(root, "dist", "bin");

/** Where the binary for this machine is built. */
export const binary: string = join(binFolder, hostTarget().executable);

/** Builds the binary for this machine unless the one that is there was made from the same sources. */
export async function ensureBinary(): Promise<void> {
  const record = join(root, ".cache", "build", "inputs");
  const inputs = fingerprintInputs();
  if (existsSync(binary) && existsSync(record) && readFileSync(record, "utf8") === inputs) return;
  rmSync(record, { force: true });
  await buildHost();
  writeFileSync(record, inputs);
}

async function buildHost(small = false): Promise<void> {
  const started = performance.now();
  const host = hostTarget();
  await compile(host, await packNatives(host, small), { version: fullVersion(), pluginKeys: trustedKeys() }, binary);
  report(binary, started);
}

/** Builds and packs the given platforms one after the other: memory stays at one binary. */
async function buildArchives(wanted: readonly Target[]): Promise<void> {
  mkdirSync(binFolder, { recursive: true });
  for (const name of readdirSync(binFolder).filter((name) => name.endsWith(".tar.gz"))) rmSync(join(binFolder, name));
  const archives: string[] = [];
  const baked = { version: fullVersion(), pluginKeys: releaseKeys() };
  for (const target of wanted) {
    const started = performance.now();
    const staging = join(root, ".cache", "build", "release", target.name);
    const executable = join(staging, target.executable);
    const inputs = await compile(target, await packNatives(target, true), baked, executable);
    writeFileSync(join(staging, "LICENSES.txt"), licenseText(inputs));
    const archive = join(binFolder, `tidegate-${packageFacts.version}-${target.name}.tar.gz`);
    const documents = [join(root, "LICENSE"), join(root, "README.md"), join(staging, "LICENSES.txt")].filter((path) => existsSync(path));
    writeArchive(archive, [executable, ...documents], sourceTime());
    rmSync(staging, { recursive: true });
    archives.push(archive);
    report(archive, started);
  }
  writeChecksums(archives);
}

function report(path: string, started: number): void {
  const megabytes = (statSync(path).size / 1e6).toFixed(1);
  console.log(`${relative(root, path)}  ${megabytes} MB  ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

/** The package's version, and the commit where there is one: `0.1.0+1a2b3c4d`. */
function fullVersion(): string {
  const commit = git("rev-parse", "--short=8", "HEAD");
  return commit ? `${packageFacts.version}+${commit}` : packageFacts.version;
}

/** The time of the commit, so that building a commit again gives the same archive. */
function sourceTime(): number {
  return Number(process.env.SOURCE_DATE_EPOCH ?? (git("log", "-1", "--format=%ct") || 0));
}

/** Empty outside a git checkout: a source archive builds as well. */
function git(...args: string[]): string {
  if (!existsSync(join(root, ".git"))) return "";
  return Bun.which("git")
    ? Bun.spawnSync(["git", ...args], { cwd: root, stderr: "ignore" })
        .stdout.toString()
        .trim()
    : "";
}

/** One hash over everything the binary is made from. */
function fingerprintInputs(): string {
  const hash = createHash("sha256").update(`${fullVersion()} ${Bun.version} ${trustedKeys()}`);
  const folders = ["cli", "core", "plugins", "scripts", "tests/contract"].filter((folder) => existsSync(join(root, folder)));
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  for (const file of [...files.sort(), join(root, "package.json"), join(root, "bun.lock")])
    hash.update(file).update("\0").update(readFileSync(file));
  return hash.digest("hex");
}

const usage = `Usage: npm run build [-- options]

  (no option)      build ${relative(root, binary)} for this machine
  --all            build every platform as an archive, and SHA256SUMS
  --target <name>  build one platform as an archive, and SHA256SUMS; may be repeated
                   ${targets.map(({ name }) => name).join(" ")}
  --small          compress harder (half a minute once); archives always do`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      all: { type: "boolean" },
      target: { type: "string", multiple: true },
      small: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return console.log(usage);
  if (values.all) return buildArchives(targets);
  if (!values.target) return buildHost(values.small);
  const wanted = values.target.map((name) => targets.find((target) => target.name === name) ?? name);
  const unknown = wanted.filter((target) => typeof target === "string");
  if (unknown.length > 0) throw new Error(`Unknown target ${unknown.map((name) => `"${name}"`).join(", ")}\n\n${usage}`);
  return buildArchives(wanted.filter((target) => typeof target !== "string"));
}

if (import.meta.main) await main();
