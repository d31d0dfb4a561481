import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { root } from "../targets.ts";

/**
 * Writes the list of functions the guard of DuckDB trusts: all that the engine has, without those that were reviewed and
 * found to change, wait, tell of the engine itself, run text as SQL or reach files. Run it again for a new version and read
 * what it adds: `bun scripts/functions/duckdb.ts`.
 */
const denied: Readonly<Record<string, readonly string[]>> = {
  "change something": ["nextval", "setseed", "write_log", "create_sort_key"],
  "tell of sequences and settings": ["currval", "current_setting", "getvariable", "getenv", "current_query", "current_connection_id"],
  "run text as SQL or read memory": [
    "query",
    "query_table",
    "json_execute_serialized_sql",
    "json_serialize_plan",
    "json_deserialize_sql",
    "arrow_scan",
    "arrow_scan_dumb",
    "seq_scan",
    "index_scan",
    "sql_auto_complete",
  ],
  "tell of the catalog": ["pg_get_viewdef", "pg_get_constraintdef"],
  wait: ["sleep_ms", "pg_sleep"],
  "use up memory": ["test_vector_types", "repeat_row"],
};
/** The engine knows these by its grammar. */
const windows = [
  "row_number",
  "rank",
  "dense_rank",
  "percent_rank",
  "cume_dist",
  "ntile",
  "nth_value",
  "lag",
  "lead",
  "first_value",
  "last_value",
  "fill",
];
/** Table functions that answer from their arguments alone. */
const tables = [
  "range",
  "generate_series",
  "unnest",
  "repeat",
  "json_each",
  "json_tree",
  "summary",
  "test_all_types",
  "histogram",
  "histogram_values",
];

const instance = await DuckDBInstance.create(":memory:");
const connection = await instance.connect();
const reader = await connection.runAndReadAll(
  "SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE internal AND function_type IN ('scalar', 'aggregate', 'macro') ORDER BY 1",
);
const [version] = (await connection.runAndReadAll("SELECT library_version FROM pragma_version()")).getRows()[0] ?? [];
const refused = new Set(Object.values(denied).flat());
const names = reader
  .getRows()
  .map(([name]) => String(name))
  .filter((name) => !refused.has(name) && /^\w+$/.test(name) && !name.startsWith("__"));
const operators = reader
  .getRows()
  .map(([name]) => String(name))
  .filter((name) => !/^\w+$/.test(name));
const wrap = (words: readonly string[]): string => {
  const lines: string[] = [""];
  for (const word of words) {
    const line = lines.at(-1) ?? "";
    if (line.length + word.length > 130) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.map((line) => `  ${JSON.stringify(line)},`).join("\n");
};
writeFileSync(
  join(root, "plugins/duckdb/guard/functions.ts"),
  `/** Functions that change nothing and reach nothing, of DuckDB ${String(version)}. Written by scripts/functions/duckdb.ts. */
const trusted = [
${wrap([...new Set([...names, ...windows, ...tables])])}
];

const operators = [
${wrap(operators)}
];

/** What a SELECT may call, in lower case. */
export const trustedFunctions: ReadonlySet<string> = new Set([...trusted, ...operators].flatMap((line) => line.split(" ")));
`,
);
connection.closeSync();
instance.closeSync();
