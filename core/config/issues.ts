import type { z } from "zod";
import { didYouMean, type Problem, problem } from "../problem.ts";
import { redactTarget } from "../secrets/redact.ts";
import type { Issue, YamlDocument } from "./document.ts";
import { keysAt } from "./schema.ts";
import { placedSettings } from "./settings.ts";
import { shown } from "./shown.ts";

type ZodIssue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

const mostReported = 20;
const kinds: Readonly<Record<string, string>> = { object: "a map", record: "a map" };

/** What the schema refused, in our words: the current value, what was wanted, and a near name. */
export function schemaIssues(found: readonly ZodIssue[], document: YamlDocument): Issue[] {
  return found.flatMap((issue) => explain(issue, [], document));
}

/** One problem for all issues of a file: the first in full, the others below it. */
export function fileProblem(file: string, issues: readonly Issue[]): Problem {
  const [first, ...others] = issues.toSorted((a, b) => a.line - b.line);
  const lines = others.slice(0, mostReported).map(({ place, text, hint }) => `\n  also at ${place}: ${text}${hint ? ` (${hint})` : ""}`);
  const left = others.length - lines.length;
  const message = `Cannot load ${file} at ${first?.place}: ${first?.text}${lines.join("")}${left > 0 ? `\n  and at ${left} more places` : ""}`;
  return problem("CONFIG_INVALID", message, first?.hint ?? "Correct the file, then run: tidegate config check");
}

function explain(issue: ZodIssue, parent: Path, document: YamlDocument): Issue[] {
  const path = [...parent, ...issue.path];
  const value = valueAt(document.value, path);
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(key, path, document));
  if (issue.code === "invalid_union") {
    // A connection is a text or a map; what is wrong inside a map is said by the map's own issues.
    const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
    const inner = issue.errors[isMap ? issue.errors.length - 1 : 0] ?? [];
    return inner.flatMap((nested) => explain(nested, path, document));
  }
  if (issue.code === "invalid_key") {
    return [issueAt(path, 'this name cannot be used, wanted a letter, then letters, digits, "_" or "-"', document)];
  }
  const wanted = issue.code === "invalid_type" ? (kinds[issue.expected] ?? issue.expected) : issue.message;
  return [issueAt(path, `current value ${shown(value, path, document.templateOf(path))}, wanted ${wanted}`, document)];
}

function unknownKey(key: string, path: Path, document: YamlDocument): Issue {
  const known = keysAt(path);
  const elsewhere = placedSettings.find((entry) => entry.key === key);
  const hint = didYouMean(key, known) ?? (elsewhere ? `Did you mean "${elsewhere.path}"?` : `Use one of: ${known.join(", ")}`);
  return issueAt([...path, key], "this key is unknown", document, hint);
}

/** A key can be a misplaced target, so places are redacted too. */
function issueAt(path: Path, text: string, document: YamlDocument, hint?: string): Issue {
  const line = document.lineOf(path);
  const place = path.length === 0 ? `line ${line}` : `${path.map((key) => redactTarget(String(key))).join(".")} (line ${line})`;
  return { line, place, text, ...(hint && { hint }) };
}

/** What stands at a path, or nothing. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce(
    (inner, key) => (typeof inner === "object" && inner !== null ? (inner as Record<PropertyKey, unknown>)[key] : undefined),
    value,
  );
}
