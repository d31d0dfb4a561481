import { isAlias, isMap, isScalar, LineCounter, type Node, parseDocument, type Scalar, type YAMLError } from "yaml";
import type { Environment } from "./folders.ts";
import { substitute } from "./substitute.ts";

type Path = readonly PropertyKey[];

/** Something wrong in a file: where, and what. */
export interface Issue {
  readonly line: number;
  /** `limits.timeout (line 4)` or `line 4, column 7` */
  readonly place: string;
  readonly text: string;
  readonly hint?: string;
}

/** A YAML file as plain values with its variables filled in, which still knows where each value stood. */
export interface YamlDocument {
  readonly value: unknown;
  readonly issues: readonly Issue[];
  lineOf(path: Path): number;
  /** The text before its variables were filled in; absent where there were none. */
  templateOf(path: Path): string | undefined;
}

const mostAliases = 100;
const deepest = 8;

/** Reads YAML 1.2. Never throws for what the text holds; reports no text of the file but keys and names of variables. */
export function readYaml(text: string, env: Environment): YamlDocument {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, stringKeys: true, resolveKnownTags: false });
  const lines = new Map<string, number>();
  const templates = new Map<string, string>();
  const lineOf = (path: Path): number => lines.get(path.join(".")) ?? (path.length === 0 ? 1 : lineOf(path.slice(0, -1)));
  const issues = syntaxErrors(document).map(({ code, message, pos }): Issue => {
    const { line, col } = counter.linePos(pos[0]);
    return { line, place: `line ${line}, column ${col}`, text: syntaxText(code, message) };
  });
  const report = (path: Path, text: string, hint?: string): void => {
    const line = lineOf(path);
    issues.push({ line, place: `${path.join(".")} (line ${line})`, text, ...(hint && { hint }) });
  };

  let aliases = 0;
  const walk = (node: Node | null, path: Path): unknown => {
    if (path.length > deepest) return report(path.slice(0, deepest), "this is nested too deeply");
    if (isAlias(node)) {
      if (++aliases > mostAliases)
        return aliases === mostAliases + 1 ? report(path, `the file uses more than ${mostAliases} aliases`) : undefined;
      const named = node.resolve(document);
      return named === undefined ? report(path, "this alias names nothing") : walk(named, path);
    }
    if (isMap<Scalar<string>, Node | null>(node)) {
      const entries = node.items.map(({ key, value }) => {
        const inner = [...path, key.value];
        lines.set(inner.join("."), counter.linePos(key.range?.[0] ?? 0).line);
        if (key.value === "__proto__") report(inner, "this key is unknown");
        return [key.value, walk(value, inner)];
      });
      return Object.fromEntries(entries);
    }
    if (!isScalar(node)) return node === null ? null : [];
    return fill(node, path);
  };
  const fill = (node: Scalar, path: Path): unknown => {
    // An option goes to the engine as it was written: 1.10 is not 1.1. So does a password of digits.
    const kept = path[0] === "connections" && (path[2] === "options" || path[2] === "password");
    if (typeof node.value === "number" && kept) return node.source ?? node.value;
    if (typeof node.value !== "string") return node.value;
    const filled = substitute(node.value, env);
    if ("wrong" in filled) report(path, filled.wrong, filled.hint);
    else if (filled.text !== node.value) templates.set(path.join("."), node.value);
    return "wrong" in filled ? node.value : filled.text;
  };

  const value = document.errors.length === 0 ? walk(document.contents, []) : undefined;
  return { value, issues, lineOf, templateOf: (path) => templates.get(path.join(".")) };
}

/** Every repeated key; of other errors the first, because the rest follow from it. */
function syntaxErrors({ errors, warnings }: ReturnType<typeof parseDocument>): YAMLError[] {
  const other = errors.find(({ code }) => code !== "DUPLICATE_KEY");
  return other === undefined ? [...errors, ...warnings] : [other];
}

/** The parser's own words without what it quotes from the file, which could be a password. */
function syntaxText(code: string, message: string): string {
  if (code === "DUPLICATE_KEY") return "this key is written twice";
  if (code === "RESOURCE_EXHAUSTION") return "this is nested too deeply";
  if (code === "TAG_RESOLVE_FAILED") return "tags are not supported";
  if (code === "NON_STRING_KEY") return "a key must be text";
  if (code === "BAD_DQ_ESCAPE") return 'a text in double quotes holds a "\\" that begins no known escape';
  if (code === "MULTIPLE_DOCS") return "the file holds several documents, wanted one";
  if (code === "BAD_SCALAR_START") return "a text that begins with a reserved character must be quoted";
  const [words = ""] = message.split(/[:"'`*%\n]/, 1);
  return `the text is not YAML (${words.trim().replace(/^./, (first) => first.toLowerCase())})`;
}
