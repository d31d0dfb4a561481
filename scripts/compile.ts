import { mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { PackedNatives } from "./natives.ts";
import { root, type Target } from "./targets.ts";

/** What the build writes into the program. */
export interface BakedIn {
  readonly version: string;
  /** Public keys that may sign a registry of plugins. */
  readonly pluginKeys: string;
}

/** Compiles `cli/main.ts` and everything it needs into one executable at `outfile`, which is replaced in one step. Returns the bundled files. */
export async function compile(target: Target, natives: readonly PackedNatives[], baked: BakedIn, outfile: string): Promise<string[]> {
  const staging = join(root, ".cache", "build", `${target.name}-${process.pid}`);
  mkdirSync(staging, { recursive: true });
  const before = process.cwd();
  try {
    // Bun names the sources in stacks relative to the working folder, which says nothing about the machine only here.
    process.chdir(root);
    const inputs = await bundle(target, natives, baked, join(staging, target.executable));
    sign(target, join(staging, target.executable));
    mkdirSync(dirname(outfile), { recursive: true });
    renameSync(join(staging, target.executable), outfile);
    return inputs;
  } finally {
    process.chdir(before);
    // The source maps are inside the executable; the copies beside it are not wanted.
    rmSync(staging, { recursive: true, force: true });
  }
}

async function bundle(target: Target, natives: readonly PackedNatives[], baked: BakedIn, outfile: string): Promise<string[]> {
  const { metafile } = await Bun.build({
    entrypoints: [join(root, "cli", "main.ts")],
    root,
    // Splitting keeps `--version` from reading code that only the server needs; bytecode saves parsing the rest.
    splitting: true,
    bytecode: true,
    format: "esm",
    minify: true,
    sourcemap: "linked",
    metafile: true,
    // Bun would write the folders of this machine in the place of __dirname.
    define: {
      TIDEGATE_VERSION: JSON.stringify(baked.version),
      TIDEGATE_PLUGIN_KEYS: JSON.stringify(baked.pluginKeys),
      __dirname: JSON.stringify("/"),
      __filename: JSON.stringify("/"),
    },
    // A program that reads secrets must not take code or variables from the folder it happens to be started in.
    compile: {
      target: target.bun,
      outfile,
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
    plugins: [embedNatives(natives)],
  });
  return Object.keys(metafile?.inputs ?? {});
}

/** The namespace of what exists in memory only, so that no path of this machine gets into the executable. */
const generated = "embedded";

/** Puts modules that unpack and load the embedded files in the place of the packages' own loaders. */
function embedNatives(natives: readonly PackedNatives[]): Bun.BunPlugin {
  const packed = new Map(natives.flatMap(({ files }) => files.map((file) => [`${file.name}.zst`, readFileSync(file.packed)])));
  const modules = new Map(natives.map((native) => [native.module, loaderOf(native)]));
  return {
    name: generated,
    setup(build) {
      for (const path of modules.keys()) build.onResolve({ filter: new RegExp(`^${path}$`) }, () => ({ path, namespace: generated }));
      build.onResolve({ filter: /^embedded-loader$/ }, () => ({ path: join(root, "plugins", "duckdb", "embedded", "load.ts") }));
      build.onResolve({ filter: /\.zst$/ }, ({ path }) => ({ path, namespace: generated }));
      build.onLoad({ filter: /\.zst$/, namespace: generated }, ({ path }) => ({ loader: "file", contents: packed.get(path) ?? "" }));
      build.onLoad({ filter: /./, namespace: generated }, ({ path }) => ({ loader: "js", contents: modules.get(path) ?? "" }));
    },
  };
}

function loaderOf({ title, folder, files }: PackedNatives): string {
  const listed = files.map((file, index) => `{ ...${JSON.stringify({ ...file, packed: "" })}, packed: packed${index} }`);
  return [
    `import { loadEmbedded } from "embedded-loader";`,
    ...files.map(({ name }, index) => `import packed${index} from "${name}.zst" with { type: "file" };`),
    `module.exports = loadEmbedded({ title: "${title}", folder: ${JSON.stringify(folder)}, files: [${listed}] });`,
  ].join("\n");
}

/** Bun leaves Apple's signature for Intel Macs stale; only a Mac can renew it. */
function sign({ name }: Target, path: string): void {
  if (name !== "darwin-x64" || process.platform !== "darwin") return;
  const { success, stderr } = Bun.spawnSync(["codesign", "--force", "--sign", "-", path]);
  if (!success) throw new Error(`Cannot sign ${path}: ${stderr.toString().trim()}`);
}
