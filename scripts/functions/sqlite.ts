import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { root } from "../targets.ts";

/**
 * Writes the list of functions the guard of SQLite trusts: all that the engine has, without those that were reviewed and
 * found to load code, tell of the process, or take a place in memory. Run it in every runtime for a new version and read
 * what it adds: `bun scripts/functions/sqlite.ts`. Names other builds have are kept.
 */
const denied = [
  ...["load_extension", "fts3_tokenizer", "sqlite_log", "sqlite_offset", "sqlite_compileoption_get", "sqlite_compileoption_used"],
  ...[
    "readfile",
    "writefile",
    "edit",
    "eval",
    "geopoly_debug",
    "sqlite_source_id",
    "fts5_source_id",
    "fts5",
    "rtreecheck",
    "rtreedepth",
    "rtreenode",
  ],
];
/** What the grammar knows, and what newer or other builds add. */
const others = [
  ...["like", "glob", "match", "->", "->>", "iif", "if", "concat", "concat_ws", "unistr", "unistr_quote", "string_agg", "median"],
  ...["percentile", "percentile_cont", "percentile_disc", "octet_length", "timediff", "jsonb", "json_pretty", "unhex", "subtype"],
  ...["sign", "sqrt", "pi", "pow", "power", "log", "log2", "log10", "ln", "exp", "ceil", "ceiling", "floor", "trunc", "mod"],
  ...["acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cos", "cosh", "degrees", "radians", "sin", "sinh", "tan", "tanh"],
];

const database = new DatabaseSync(":memory:");
const found = database.prepare("select distinct lower(name) as name from pragma_function_list").all() as { name: string }[];
const names = [...new Set([...found.map(({ name }) => name), ...others])].filter((name) => !denied.includes(name)).sort();
const lines: string[] = [""];
for (const name of names) {
  const line = lines.at(-1) ?? "";
  if (line.length + name.length > 130) lines.push(name);
  else lines[lines.length - 1] = line === "" ? name : `${line} ${name}`;
}
writeFileSync(
  join(root, "plugins/sqlite/guard/functions.ts"),
  `/** Functions that change nothing and reach nothing, in lower case. Written by scripts/functions/sqlite.ts. */
const names = [
${lines.map((line) => `  ${JSON.stringify(line)},`).join("\n")}
];

export const trustedFunctions: ReadonlySet<string> = new Set(names.flatMap((line) => line.split(" ")));
`,
);
database.close();
