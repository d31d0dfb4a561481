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
  /** Its shared library, which must lie beside `duckdb.node`. */
  readonly library: string;
  readonly executable: string;
}

function target(name: string, natives: string, library: string, executable = "tidegate"): Target {
  return { name, bun: `bun-${name}` as Bun.Build.CompileTarget, natives: `@duckdb/node-bindings-${natives}`, library, executable };
}

export const targets: readonly Target[] = [
  target("linux-x64", "linux-x64", "libduckdb.so"),
  target("linux-arm64", "linux-arm64", "libduckdb.so"),
  target("linux-x64-musl", "linux-x64-musl", "libduckdb.so"),
  target("linux-arm64-musl", "linux-arm64-musl", "libduckdb.so"),
  target("darwin-arm64", "darwin-arm64", "libduckdb.dylib"),
  target("darwin-x64", "darwin-x64", "libduckdb.dylib"),
  target("windows-x64", "win32-x64", "duckdb.dll", "tidegate.exe"),
];

/** The platform of this machine: `bun install` fetched its natives and no others. */
export function hostTarget(): Target {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const candidates = targets.filter(({ name }) => name.startsWith(`${platform}-${process.arch}`));
  const host = candidates.find(({ natives }) => existsSync(join(root, "node_modules", natives)));
  if (!host) throw new Error(`Cannot build for ${platform}-${process.arch}: no binary exists for this platform`);
  return host;
}
