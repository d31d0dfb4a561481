import { existsSync } from "node:fs";
import { join } from "node:path";

/** The checkout, wherever it lies. */
export const root: string = join(import.meta.dirname, "..");

/** One platform the binary is built for. */
export interface Target {
  /** As it stands in archive names: `<os>-<arch>[-musl]`. */
  readonly name: string;
  readonly bun: Bun.Build.CompileTarget;
  /** The npm package with DuckDB for this platform. */
  readonly natives: string;
  /** The native code that goes into the binary. */
  readonly embedded: readonly Embedded[];
  readonly executable: string;
}

/** An npm package's native code, loaded in the place of the module that would look for it in `node_modules`. */
export interface Embedded {
  /** What it is, for messages. */
  readonly title: string;
  readonly module: string;
  readonly package: string;
  /** The file to load, then those that must lie beside it. */
  readonly files: readonly [string, ...string[]];
}

function target(name: string, duckdb: string, library: string, keyring: string, executable = "tidegate"): Target {
  const natives = `@duckdb/node-bindings-${duckdb}`;
  const embedded: Embedded[] = [
    { title: "DuckDB", module: "@duckdb/node-bindings", package: natives, files: ["duckdb.node", library] },
    {
      title: "the access to the keyring",
      module: "@napi-rs/keyring",
      package: `@napi-rs/keyring-${keyring}`,
      files: [`keyring.${keyring}.node`],
    },
  ];
  return { name, bun: `bun-${name}` as Bun.Build.CompileTarget, natives, embedded, executable };
}

export const targets: readonly Target[] = [
  target("linux-x64", "linux-x64", "libduckdb.so", "linux-x64-gnu"),
  target("linux-arm64", "linux-arm64", "libduckdb.so", "linux-arm64-gnu"),
  target("linux-x64-musl", "linux-x64-musl", "libduckdb.so", "linux-x64-musl"),
  target("linux-arm64-musl", "linux-arm64-musl", "libduckdb.so", "linux-arm64-musl"),
  target("darwin-arm64", "darwin-arm64", "libduckdb.dylib", "darwin-arm64"),
  target("darwin-x64", "darwin-x64", "libduckdb.dylib", "darwin-x64"),
  target("windows-x64", "win32-x64", "duckdb.dll", "win32-x64-msvc", "tidegate.exe"),
];

/** The platform of this machine: `bun install` fetched its natives and no others. */
export function hostTarget(): Target {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const candidates = targets.filter(({ name }) => name.startsWith(`${platform}-${process.arch}`));
  const host = candidates.find(({ natives }) => existsSync(join(root, "node_modules", natives)));
  if (!host) throw new Error(`Cannot build for ${platform}-${process.arch}: no binary exists for this platform`);
  return host;
}
