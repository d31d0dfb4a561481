import type { Folders } from "./folders.ts";
import type { ResolvedSettings, SettingValue } from "./settings.ts";
import type { SshConfig } from "./ssh.ts";

export type { SshConfig } from "./ssh.ts";

/** The whole configuration with nothing left to resolve: numbers, absolute folders, variables filled in. */
export interface Config extends ResolvedSettings {
  readonly connections: Readonly<Record<string, ConnectionConfig>>;
  readonly folders: Folders;
  /** The files that were read, the strongest first. */
  readonly files: readonly string[];
  /** Where each value came from, by its path: `limits.timeout`, `connections.sales.target`. */
  readonly origins: Readonly<Record<string, Origin>>;
  /** What was ignored, one sentence each. */
  readonly warnings: readonly string[];
}

/** One named connection. `target` may hold a password: show it through `redactTarget` only. */
export interface ConnectionConfig {
  readonly name: string;
  readonly target: string;
  /** A reference to a secret, or the secret itself: show it through `showReference` only. */
  readonly password?: string;
  /** The folder that a relative path in `target` starts from. */
  readonly folder: string;
  readonly write: boolean;
  readonly description?: string;
  readonly timeoutMillis?: number;
  readonly maxRows?: number;
  readonly cacheMillis?: number;
  /** Those named like a secret may hold references, as `password` does. */
  readonly options: Readonly<Record<string, string>>;
  readonly ssh?: SshConfig;
}

/** Where a value was written. `template` is its text before variables were filled in. */
export type Origin =
  | { readonly from: "default" }
  | { readonly from: "flag" }
  | { readonly from: "environment"; readonly variable: string }
  | { readonly from: "file"; readonly file: string; readonly line: number; readonly template?: string };

/** What one source says: settings by path, and whole connections by name. */
export interface Layer {
  readonly settings: ReadonlyMap<string, { readonly value: SettingValue; readonly origin: Origin }>;
  readonly connections: ReadonlyMap<string, { readonly connection: ConnectionConfig; readonly origins: ReadonlyMap<string, Origin> }>;
}
