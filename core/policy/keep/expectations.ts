import { parseDocument } from "yaml";
import { z } from "zod";
import { problem } from "../../problem.ts";

const text = z.string().min(1);
const oneOrMore = z.union([text, z.array(text).min(1)]).transform((given) => (typeof given === "string" ? [given] : given));

const expectation = z
  .strictObject({
    name: text.optional(),
    as: oneOrMore.optional().describe("A role, or several"),
    principal: text.optional().describe("Instead of roles: somebody by their id"),
    values: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
    sql: text,
    write: z.boolean().optional().describe("True asks with the gate open"),
    expect: z.enum(["allowed", "denied"]),
    masks: z.record(text, z.string()).optional().describe("table.column: form, and no others"),
    hidden: z.array(text).optional().describe("table.column of each hidden column, and no others"),
    filtered: z.array(text).optional().describe("Each table whose rows are filtered, and no others"),
    rows: z.number().int().optional().describe("The row limit"),
    code: text.optional(),
    message: text.optional().describe("Words that the refusal holds"),
    rule: text.optional().describe("Words of the rule that decided, such as a role's name"),
  })
  .refine(({ as, principal }) => (as === undefined) !== (principal === undefined), { message: "wanted one of as and principal" })
  .refine(({ expect, masks, hidden, filtered, rows }) => expect === "allowed" || !(masks ?? hidden ?? filtered ?? rows), {
    message: "what is denied has no masks, hidden, filtered or rows",
  })
  .refine(({ expect, code, message }) => expect === "denied" || !(code ?? message), { message: "what is allowed has no code or message" });

const testFile = z
  .strictObject({
    policy: text.optional().describe("The policy, from this file's folder; without it, policy.file of the configuration"),
    connection: text.describe("The name by which rules know the connection"),
    target: text.optional().describe("A file or URL, from this file's folder; without it and a catalog, the configured connection"),
    catalog: z
      .strictObject({
        engine: z.enum(["duckdb", "sqlite"]),
        tables: z.record(text, z.record(text, text)).describe("schema.table → column → type"),
      })
      .optional()
      .describe("Tables to test against, where no database is at hand"),
    tests: z.array(expectation).min(1),
  })
  .refine(({ target, catalog }) => target === undefined || catalog === undefined, { message: "wanted one of target and catalog" });

export type TestFile = z.infer<typeof testFile>;
export type Expectation = z.infer<typeof expectation>;

/** Reads a file of expectations. @throws CONFIG_INVALID with the place and what is wrong */
export function readExpectations(file: string, written: string): TestFile {
  const document = parseDocument(written, { prettyErrors: true, stringKeys: true });
  const [broken] = document.errors;
  if (broken !== undefined) throw flaw(file, broken.message.split("\n")[0] ?? "it is no YAML");
  const parsed = testFile.safeParse(document.toJS({ maxAliasCount: 100 }));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.map((part) => (typeof part === "number" ? `[${part + 1}]` : `.${String(part)}`)).join("") ?? "";
  throw flaw(file, `${path.replace(/^\./, "") || "the file"}: ${issue?.message.replace(/^./, (first) => first.toLowerCase())}`);
}

const flaw = (file: string, what: string) =>
  problem("CONFIG_INVALID", `Cannot read the policy test ${file}: ${what}`, "Write it as docs/policy.md shows");

/** What came of one statement, in the words expectations use. */
export interface Outcome {
  readonly verdict: "allowed" | "denied";
  readonly masks: Readonly<Record<string, string>>;
  readonly hidden: readonly string[];
  readonly filtered: readonly string[];
  readonly rules: readonly string[];
  readonly maxRows?: number | undefined;
  readonly code?: string;
  readonly message?: string;
}

/** How an outcome differs from what was expected, one sentence each; empty when it does not. */
export function differences(expected: Expectation, outcome: Outcome): string[] {
  if (expected.expect !== outcome.verdict) {
    const why = outcome.message === undefined ? "" : `: ${outcome.code}: ${outcome.message}`;
    return [`expected ${expected.expect}, is ${outcome.verdict}${why}`];
  }
  const sorted = (names: readonly string[]): string =>
    [...names]
      .map((name) => name.toLowerCase())
      .sort()
      .join(", ") || "none";
  const pairs = (masks: Readonly<Record<string, string>>): string =>
    sorted(Object.entries(masks).map(([column, form]) => `${column}: ${form}`));
  const same = (what: string, wanted: string | undefined, is: string): string[] =>
    wanted === undefined || wanted === is ? [] : [`expected ${what} ${wanted}, is ${is}`];
  return [
    ...same("masks", expected.masks && pairs(expected.masks), pairs(outcome.masks)),
    ...same("hidden", expected.hidden && sorted(expected.hidden), sorted(outcome.hidden)),
    ...same("filtered", expected.filtered && sorted(expected.filtered), sorted(outcome.filtered)),
    ...same("rows", expected.rows?.toString(), outcome.maxRows?.toString() ?? "no limit"),
    ...same("code", expected.code, outcome.code ?? "none"),
    ...holds("message", expected.message, [outcome.message ?? ""]),
    ...holds("rule", expected.rule, outcome.rules),
  ];
}

function holds(what: string, words: string | undefined, texts: readonly string[]): string[] {
  if (words === undefined || texts.some((text) => text.toLowerCase().includes(words.toLowerCase()))) return [];
  return [`expected a ${what} with "${words}", is ${texts.join("; ") || "none"}`];
}

/** The statements that make a declared catalog. */
export function catalogStatements({ engine, tables }: NonNullable<TestFile["catalog"]>): string[] {
  const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
  const schemas = new Set(Object.keys(tables).flatMap((name) => (name.includes(".") ? [name.slice(0, name.indexOf("."))] : [])));
  if (engine === "sqlite" && [...schemas].some((schema) => schema !== "main"))
    throw problem("CONFIG_INVALID", "SQLite has no schema but main", "Use engine: duckdb, or leave the schema out");
  const types = /^[A-Za-z][\w ]*(\(\s*\d+(\s*,\s*\d+)?\s*\))?(\[\])?$/;
  return [
    ...[...schemas].filter((schema) => schema !== "main").map((schema) => `create schema ${quote(schema)}`),
    ...Object.entries(tables).map(([name, columns]) => {
      const listed = Object.entries(columns).map(([column, type]) => {
        if (!types.test(type))
          throw problem(
            "CONFIG_INVALID",
            `Cannot use the type "${type}" of "${name}.${column}"`,
            "Write a plain type such as text or decimal(10,2)",
          );
        return `${quote(column)} ${type}`;
      });
      return `create table ${name.split(".").map(quote).join(".")} (${listed.join(", ")})`;
    }),
  ];
}
