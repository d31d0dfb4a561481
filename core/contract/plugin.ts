import type { Driver } from "./driver.ts";
import type { Exporter } from "./export.ts";
import type { Tool } from "./tool.ts";

/** What core hands to a plugin: values come from here, only types are imported. */
export interface Host {
  /** The contract this core speaks; a plugin built for another is not loaded. */
  readonly contract: 1;
  /** This plugin's own folder, or `undefined` when it is built into the binary. */
  readonly folder?: string;
  log(level: "debug" | "info" | "warn" | "error", message: string): void;
}

/** What a plugin offers. It registers nothing by itself. */
export interface Contribution {
  readonly drivers?: readonly Driver[];
  readonly tools?: readonly Tool[];
  readonly exporters?: readonly Exporter[];
}

/** A plugin's default export. */
export type Activate = (host: Host) => Contribution | Promise<Contribution>;

/** What a plugin touches, shown before it is installed: `true`, a few words about it, or a list of names. */
export type PluginNeeds = { readonly [Need in "network" | "files" | "native" | "env"]?: boolean | string | readonly string[] };

/** `manifest.json` beside a plugin's bundled code. */
export interface Manifest {
  readonly schema: 1;
  readonly name: string;
  readonly version: string;
  readonly contract: number;
  /** URL schemes of its drivers: the plugin's code runs only when one of them is asked for. */
  readonly schemes: readonly string[];
  /** File name of the bundled ESM entry. */
  readonly entry: string;
  /** `any`, or `<os>-<arch>` with `-musl` where it matters, e.g. `linux-x64`. */
  readonly platform: string;
  /** The product it connects to, as people write it. */
  readonly title?: string;
  readonly needs?: PluginNeeds;
  /** Every file the plugin loads, by relative path. */
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly size: number }>>;
}
