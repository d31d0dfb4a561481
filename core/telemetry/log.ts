import { isatty } from "node:tty";

export type LogLevel = "debug" | "info" | "warn" | "error";

export type LogFields = Readonly<Record<string, unknown>>;

/** Lines for the operator. Never carries rows, SQL text or secrets; nothing on the command line's data path. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with fields on every line, e.g. `{ trace: span.traceId }`. */
  with(fields: LogFields): Log;
}

export interface LogOptions {
  readonly level: LogLevel | "off";
  readonly format: "text" | "json";
  /** Takes one whole line with its newline; standard error unless told otherwise. */
  readonly write?: (line: string) => void;
  readonly colour?: boolean;
}

const ranks = { debug: 0, info: 1, warn: 2, error: 3, off: 4 } as const;
const colours: Readonly<Record<LogLevel, string>> = { debug: "\x1b[2m", info: "\x1b[36m", warn: "\x1b[33m", error: "\x1b[31m" };
const longestField = 2000;

export function createLog(options: LogOptions): Log {
  const write = options.write ?? ((line) => void process.stderr.write(line));
  const colour = options.colour ?? (isatty(2) && !process.env.NO_COLOR);
  const format = options.format === "json" ? formatJson : colour ? formatColoured : formatText;
  const stacks = options.level === "debug";
  const bind = (bound: LogFields): Log => {
    const at =
      (level: LogLevel) =>
      (message: string, fields: LogFields = {}) => {
        if (ranks[level] < ranks[options.level]) return;
        write(format({ time: new Date().toISOString(), level, message, fields: { ...bound, ...fields } }, stacks));
      };
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), with: (more) => bind({ ...bound, ...more }) };
  };
  return bind({});
}

interface Entry {
  readonly time: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

function formatJson({ time, level, message, fields }: Entry, stacks: boolean): string {
  const plain = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plainValue(value, stacks)]));
  return `${JSON.stringify({ time, level, message, ...plain })}\n`;
}

function formatText({ time, level, message, fields }: Entry, stacks: boolean): string {
  const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${quoteWhereNeeded(plainValue(value, stacks))}`);
  return `${escapeControls(`${time.slice(11, 23)} ${level.padEnd(5)} ${message}${pairs.join("")}`)}\n`;
}

function formatColoured(entry: Entry, stacks: boolean): string {
  return `${colours[entry.level]}${formatText(entry, stacks).trimEnd()}\x1b[0m\n`;
}

/** What JSON can hold: errors become text, secrets stay closed at any depth, long text is cut. */
function plainValue(value: unknown, stacks: boolean): unknown {
  if (typeof value === "string") return cut(value);
  if (value instanceof Error) return cut(describeError(value, stacks));
  if (typeof value !== "object" || value === null) return typeof value === "bigint" ? String(value) : value;
  const seen = new Set<unknown>();
  const text: string | undefined = JSON.stringify(value, (_, inner) => {
    if (isSecret(inner)) return "[secret]";
    if (typeof inner === "bigint") return String(inner);
    if (inner instanceof Error) return describeError(inner, stacks);
    if (typeof inner !== "object" || inner === null) return inner;
    if (seen.has(inner)) return "[repeated]";
    seen.add(inner);
    return inner;
  });
  return text === undefined || text.length > longestField ? cut(text ?? "") : JSON.parse(text);
}

function describeError(error: Error, stacks: boolean): string {
  const cause = error.cause instanceof Error ? ` (cause: ${describeError(error.cause, stacks)})` : "";
  return `${stacks ? (error.stack ?? error.message) : error.message}${cause}`;
}

function isSecret(value: unknown): boolean {
  return typeof value === "object" && value !== null && "reveal" in value && typeof value.reveal === "function";
}

function cut(text: string): string {
  return text.length > longestField ? `${text.slice(0, longestField)}…` : text;
}

function quoteWhereNeeded(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  return typeof value === "string" && !/^[^\s"=\x00-\x1f\x7f-\x9f]+$/.test(text) ? JSON.stringify(text) : text;
}

/** One entry stays one line, and text from a database cannot steer the operator's terminal. */
function escapeControls(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
