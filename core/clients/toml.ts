import { parse, stringify, TomlError } from "smol-toml";
import { type Fields, type Format, isMap, type Place, valueAt } from "./format.ts";

/** TOML, whose tables are cut out and put in by their lines: no library keeps what stands around them. */
export const toml: Format = {
  title: "TOML",
  read(text) {
    try {
      return { value: parse(text, { integersAsBigInt: true }) };
    } catch (error) {
      if (error instanceof TomlError) return { brokenLine: error.line };
      throw error;
    }
  },
  set: (text, place, fields) => inPlainLines(text, (plain) => withTable(plain, place, fields)),
  remove: (text, place) => inPlainLines(text, (plain) => withoutTable(plain, place)),
};

/** Edits a file whose lines all end as on Windows as if they ended as elsewhere. */
function inPlainLines(text: string, edit: (text: string) => string): string {
  if (!text.includes("\r\n") || /(?<!\r)\n/.test(text)) return edit(text);
  return edit(text.replaceAll("\r\n", "\n")).replaceAll("\n", "\r\n");
}

function withTable(text: string, place: Place, fields: Fields): string {
  const lines = text.split("\n");
  const own = tables(lines).find(({ path }) => path.join("\0") === place.join("\0"));
  const before =
    own === undefined ? {} : (valueAt(parse(lines.slice(own.start, own.end).join("\n"), { integersAsBigInt: true }), place) as Fields);
  const [section, name] = place;
  const table = stringify({ [section]: { [name]: { ...before, ...fields } } }).trimEnd();
  if (own !== undefined) return lines.toSpliced(own.start, own.end - own.start, ...table.split("\n")).join("\n");
  const above = text.trimEnd();
  return `${above}${above === "" ? "" : "\n\n"}${table}\n`;
}

function withoutTable(text: string, place: Place): string {
  const lines = text.split("\n");
  const own = tables(lines).filter(({ path }) => place.every((key, index) => path[index] === key));
  for (const { start, end } of own.reverse()) {
    // The empty line that set it apart goes with it.
    const from = start > 0 && lines[start - 1]?.trim() === "" ? start - 1 : start;
    lines.splice(from, end - from);
  }
  return lines.join("\n").replace(/^\n+/, "");
}

interface Table {
  readonly path: readonly string[];
  readonly start: number;
  /** Behind its last key: comments and empty lines below belong to whatever comes next. */
  readonly end: number;
}

function tables(lines: readonly string[]): Table[] {
  const headers = lines.flatMap((line, start) => {
    const path = headerPath(line);
    // Inside a text or an array over several lines, what is above is unfinished.
    return path === undefined || "brokenLine" in toml.read(lines.slice(0, start).join("\n")) ? [] : [{ path, start }];
  });
  return headers.map(({ path, start }, index) => {
    let end = headers[index + 1]?.start ?? lines.length;
    while (end > start + 1 && /^\s*(#|$)/.test(lines[end - 1] ?? "")) end--;
    return { path, start, end };
  });
}

/** The keys of a line such as `[a."b c"]`; `[[a]]` has the path of its array. `undefined` for any other line. */
function headerPath(line: string): string[] | undefined {
  if (!/^\s*\[.*\]\s*(#.*)?$/.test(line)) return undefined;
  const path: string[] = [];
  try {
    for (let inner: unknown = parse(line); isMap(inner) && Object.keys(inner).length === 1; inner = Object.values(inner)[0])
      path.push(Object.keys(inner)[0] ?? "");
    return path;
  } catch {
    // An array's line, such as `["a"],`.
    return undefined;
  }
}
