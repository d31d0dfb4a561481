import { readCount, readDuration, readSize, writeDuration, writeSize } from "./units.ts";

/** What one scalar of the configuration may hold. */
export type SettingValue = string | number | boolean;

/** One scalar of the configuration: how it is read, what it is without one, and what it is for. */
export interface Setting<Kind extends string = string, Value extends SettingValue = SettingValue> {
  readonly kind: Kind;
  /** As it would be written; folders may start with `<data>` or `<state>`. */
  readonly fallback: SettingValue;
  readonly about: string;
  /** What would have been accepted, for messages: `a duration such as "30s"`. */
  readonly wanted: string;
  /** The only accepted values, where there is such a list. */
  readonly values?: readonly Value[];
  read(written: unknown): Value | undefined;
  write(value: Value): SettingValue;
}

const same = <Value>(value: Value): Value => value;

const count = (fallback: number, about: string): Setting<"count", number> => ({
  kind: "count",
  fallback,
  about,
  wanted: "a whole number from 1",
  read: readCount,
  write: same,
});

const size = (fallback: string, about: string): Setting<"size", number> => ({
  kind: "size",
  fallback,
  about,
  wanted: 'a size such as "24KB" or "4MB", or a number of bytes',
  read: readSize,
  write: writeSize,
});

const duration = (fallback: string, about: string): Setting<"duration", number> => ({
  kind: "duration",
  fallback,
  about,
  wanted: 'a duration such as "500ms", "30s", "5m" or "1h" (at most 576h), or a number of milliseconds',
  read: readDuration,
  write: writeDuration,
});

const choice = <Value extends string>(values: readonly Value[], fallback: Value, about: string): Setting<"choice", Value> => ({
  kind: "choice",
  fallback,
  about,
  wanted: `one of ${values.map((value) => `"${value}"`).join(", ")}`,
  values,
  read: (written) => values.find((value) => value === written),
  write: same,
});

const folder = (fallback: string, about: string): Setting<"folder", string> => ({
  kind: "folder",
  fallback,
  about,
  wanted: "a folder's path",
  read: (written) => (typeof written === "string" && written !== "" && !written.includes("\0") ? written : undefined),
  write: same,
});

const flag = (fallback: boolean, about: string): Setting<"flag", boolean> => ({
  kind: "flag",
  fallback,
  about,
  wanted: "true or false",
  read: (written) => (String(written) === "true" ? true : String(written) === "false" ? false : undefined),
  write: same,
});

const place = (fallback: string, about: string): Setting<"place", string> => ({
  kind: "place",
  fallback,
  about,
  wanted: "an https:// address or a folder's path",
  read: (written) => (typeof written === "string" && written !== "" && !written.includes("\0") ? written : undefined),
  write: same,
});

/** A file or a folder that need not be there. */
const path = (about: string, wanted: string): Setting<"path", string> => ({
  kind: "path",
  fallback: "none",
  about,
  wanted,
  read: (written) => (typeof written === "string" && written !== "" && !written.includes("\0") ? written : undefined),
  write: same,
});

/** Read as one text, the names parted by spaces; empty when there are none. */
const names = (about: string, wanted: string): Setting<"names", string> => ({
  kind: "names",
  fallback: "none",
  about,
  wanted,
  read: (written) => {
    const words = typeof written === "string" ? written.split(/[\s,]+/).filter((word) => word !== "" && word !== "none") : undefined;
    return words?.every((word) => /^[\w$.]+$/.test(word)) ? words.join(" ") : undefined;
  },
  write: (value) => value || "none",
});

const publicKey = /^[\w.@-]+:[A-Za-z0-9+/]{43}=$/;

/** Read as one text, the keys parted by spaces; empty when there are none. */
const keys = (about: string): Setting<"keys", string> => ({
  kind: "keys",
  fallback: "none",
  about,
  wanted: '"none", or public keys as name:base64, parted by spaces',
  read: (written) => {
    const words = typeof written === "string" ? written.split(/[\s,]+/).filter((word) => word !== "" && word !== "none") : undefined;
    return words?.every((word) => publicKey.test(word)) ? words.join(" ") : undefined;
  },
  write: (value) => value || "none",
});

/** Every scalar setting: the schema, the environment variables, the defaults and the reference are read from here. */
export const settings = {
  limits: {
    maxRows: count(10_000, "Rows in one answer at most, whatever the call asks for"),
    inlineRows: count(100, "Rows in one answer when the call does not say how many"),
    inlineBytes: size("24KB", "Size of one answer when the call does not say how many rows"),
    frameBytes: size("4MB", "Size of one answer at most, whatever the call asks for"),
    timeout: duration("30s", "Time one call may take"),
    maxConcurrent: count(4, "Queries that run at the same time on one connection; others wait"),
  },
  pool: {
    wait: duration("10s", "Time a call waits for a connection when all are busy"),
    idle: duration("1m", "Time a connection to a database is kept without use"),
    lifetime: duration("30m", "Time a connection to a database is used before a fresh one takes its place"),
  },
  results: {
    mode: choice(["on", "off"], "on", "Whether a result that is larger than an answer is kept, to go on with"),
    folder: folder("<state>/results", "Where they are kept, readable by this account alone"),
    keep: duration("24h", "Time a result is kept after it was last used"),
    maxRows: count(10_000_000, "Rows of one result that are kept at most"),
    maxBytes: size("4GB", "Size of one result that is kept at most, its rows counted as text"),
    maxDisk: size("20GB", "Size of all kept results; the least used of whoever needs room make way"),
    maxTime: duration("20s", "Time rows are read to be kept; what has arrived by then is"),
  },
  export: {
    folder: folder("<state>/exports", "The only folder assistants may export files to"),
  },
  policy: {
    file: path(
      "What each role may see and do: a policy file, or a folder of them",
      '"none", or the path of a policy file or a folder of them',
    ),
    allowFunctions: names(
      "Functions and sets of functions (such as postgis) allowed besides those known to change nothing",
      '"none", or names of functions parted by spaces',
    ),
    role: names(
      "Roles of the command line and of stdio clients, besides what the policy gives them",
      '"none", or names of roles parted by spaces',
    ),
  },
  audit: {
    mode: choice(["on", "off", "policy"], "policy", "Whether each call leaves a record: always, never, or when a policy is in force"),
    folder: folder("<state>/audit", "Where the records are kept"),
    maxFileBytes: size("10MB", "Size at which a file of records is closed and the next one begun"),
    keepDays: count(400, "Days after which a file of records is deleted"),
    onFailure: choice(["stop", "continue"], "stop", "What becomes of calls when a record cannot be written"),
  },
  telemetry: {
    traces: choice(["file", "otlp", "off"], "file", "Where traces go; otlp sends them where the OTEL_EXPORTER_OTLP_* variables say"),
    maxFileBytes: size("10MB", "Size at which a trace file is closed and the next one begun"),
    maxFiles: count(5, "Trace files kept; the oldest is deleted first"),
  },
  log: {
    level: choice(["error", "warn", "info", "debug"], "warn", "The least important message that is logged"),
    format: choice(["text", "json"], "text", "How a log line is written"),
  },
  plugins: {
    folder: folder("<data>/plugins", "Where installed plugins are kept"),
    registry: place(
      "https://github.com/tidegate/tidegate/releases/latest/download",
      "Where plugins are installed from: the address or folder that holds index.json",
    ),
    keys: keys("Public keys trusted to sign a registry, besides those built in"),
    auto: flag(false, "Whether a missing driver is installed without asking when a target needs it"),
  },
} as const;

/** What each section is for. */
export const sectionAbout: Readonly<Record<keyof typeof settings, string>> = {
  limits: "What one call of an assistant may use; the command line has options for this",
  pool: "How connections to databases are shared by the calls that follow each other",
  results: "What becomes of results that are larger than an answer",
  export: "Where exports of assistants go",
  policy: "What may be seen and done, and by whom; not for a project file",
  audit: "A record of each call, in files that show when they were changed; not for a project file",
  telemetry: "Traces of what was asked and how long it took",
  log: "Messages on standard error",
  plugins: "Drivers, tools and formats installed besides the built-in ones; not for a project file, because plugins are code",
};

/** What one connection may set for itself. */
export const connectionSettings = {
  timeout: duration("30s", "Time one call on this connection may take, instead of limits.timeout"),
  maxRows: count(10_000, "Rows one call on this connection may return, instead of limits.maxRows"),
  cache: duration("1m", "Age up to which an answer on this connection is given again; without it none is"),
} as const;

/** What a connection may be called. */
export const connectionName = /^[A-Za-z][\w-]*$/;

type Settings = typeof settings;

/** The values of a section as a reader gets them: durations are named for their unit. */
export type SectionValues<Section> = {
  readonly [Key in keyof Section & string as ResolvedKey<Key, Section[Key]>]: Section[Key] extends Setting<string, infer Value>
    ? Value
    : never;
};
type ResolvedKey<Key extends string, Of> = Of extends Setting<"duration", number> ? `${Key}Millis` : Key;

/** All sections with every value present. */
export type ResolvedSettings = { readonly [Section in keyof Settings]: SectionValues<Settings[Section]> };

/** A setting with its place in the configuration. */
export interface PlacedSetting {
  readonly section: string;
  readonly key: string;
  /** `limits.maxRows` */
  readonly path: string;
  /** The environment variable: `TIDEGATE_LIMITS_MAX_ROWS`. */
  readonly variable: string;
  readonly setting: Setting;
}

/** Every setting in the order of the table. */
export const placedSettings: readonly PlacedSetting[] = Object.entries(settings).flatMap(([section, entries]) =>
  Object.entries(entries).map(([key, setting]: [string, Setting]) => ({
    section,
    key,
    path: `${section}.${key}`,
    variable: `TIDEGATE_${section}_${key.replace(/[A-Z]/g, "_$&")}`.toUpperCase(),
    setting,
  })),
);

/** The name a setting has once read: `timeout` becomes `timeoutMillis`. */
export function resolvedKey(key: string, setting: Setting): string {
  return setting.kind === "duration" ? `${key}Millis` : key;
}
