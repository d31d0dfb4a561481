import { isMap, isScalar, LineCounter, parseDocument } from "yaml";
import { didYouMean, type Problem, problem } from "../../problem.ts";
import { accessLevels, confirms, maskForms, type PolicyFile, policySchema, verbs } from "./schema.ts";

/** A policy file that was read, and where each part of it stood. */
export interface ReadPolicy {
  readonly file: string;
  readonly policy: PolicyFile;
  lineOf(path: readonly PropertyKey[]): number;
}

interface Flaw {
  readonly path: readonly PropertyKey[];
  readonly text: string;
  readonly hint?: string | undefined;
}

/** Reads one policy file's text. @throws CONFIG_INVALID with the file, the line and what to do */
export function readPolicy(file: string, text: string): ReadPolicy {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, stringKeys: true });
  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let length = path.length; length > 0; length--) {
      const offset = offsetOf(document.contents, path.slice(0, length));
      if (offset !== undefined) return counter.linePos(offset).line;
    }
    return 1;
  };
  const [broken] = [...document.errors, ...document.warnings];
  if (broken !== undefined) {
    const { line } = counter.linePos(broken.pos[0]);
    throw policyProblem(file, line, broken.message.split("\n")[0] ?? "the text is not YAML");
  }
  const parsed = policySchema.safeParse(document.toJS({ maxAliasCount: 100 }) ?? {});
  if (parsed.success) return { file, policy: parsed.data, lineOf };
  const [flaw] = parsed.error.issues.flatMap(flawsOf);
  throw policyProblem(file, lineOf(flaw?.path ?? []), `${flaw?.path.join(".") || "the file"}: ${flaw?.text ?? "not a policy"}`, flaw?.hint);
}

/** A flaw of a policy as people read it. */
export function policyProblem(
  file: string,
  line: number,
  text: string,
  hint = "Mend the file; until then the earlier policy stays",
): Problem {
  return problem("CONFIG_INVALID", `Cannot load the policy ${file}:${line}: ${text}`, hint);
}

const known: Readonly<Record<string, readonly string[]>> = {
  access: accessLevels,
  verbs,
  mask: maskForms,
  confirm: confirms,
};
const keys = [
  ...["casbin", "model", "policy", "columns"],
  ...["version", "roles", "groups", "principals", "default", "audit", "about", "inherits", "rules", "limits", "functions", "patterns"],
  ...[
    "tools",
    "files",
    "hours",
    "whereRequired",
    "confirm",
    "connection",
    "schema",
    "table",
    "column",
    "except",
    "access",
    "verbs",
    "mask",
    "where",
  ],
  ...[
    "rows",
    "bytes",
    "time",
    "rate",
    "cost",
    "joins",
    "depth",
    "relations",
    "affectedRows",
    "values",
    "allow",
    "deny",
    "from",
    "to",
    "days",
  ],
];

interface Issue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
  readonly input?: unknown;
}

function flawsOf(issue: Issue): Flaw[] {
  if (issue.code === "unrecognized_keys")
    return (issue.keys ?? []).map((key) => ({
      path: [...issue.path, key],
      text: `the key "${key}" is unknown`,
      hint: didYouMean(key, keys),
    }));
  const values = known[String(issue.path.findLast((part) => typeof part === "string"))];
  const text = issue.message.replace(/^Invalid (input|option): /, "").replace(/^./, (first) => first.toLowerCase());
  return [{ path: issue.path, text, hint: values && `Use one of: ${values.join(", ")}` }];
}

function offsetOf(node: unknown, path: readonly PropertyKey[]): number | undefined {
  const [key, ...rest] = path;
  if (isMap(node)) {
    const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key);
    if (pair === undefined) return undefined;
    return rest.length === 0 ? rangeOf(pair.key) : offsetOf(pair.value, rest);
  }
  const items = (node as { items?: readonly unknown[] } | null)?.items;
  const item = typeof key === "number" ? items?.[key] : undefined;
  if (item === undefined) return undefined;
  return rest.length === 0 ? rangeOf(item) : offsetOf(item, rest);
}

const rangeOf = (node: unknown): number | undefined => (node as { range?: readonly number[] } | null)?.range?.[0];
