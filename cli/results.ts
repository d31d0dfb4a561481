import { type Command, Option } from "commander";
import { didYouMean, problem } from "../core/problem.ts";
import type { CommandContext } from "./commands.ts";
import { collect, commonOptions, durationOption, rowsOption } from "./options.ts";

type Action = (given: string[], options: any, context: CommandContext) => Promise<void>;

interface ActionEntry {
  readonly usage: string;
  readonly about: string;
  readonly options?: readonly Option[];
  readonly formats?: readonly string[];
  /** What a person at a terminal gets, and what a pipe gets. */
  readonly fallback?: string;
  readonly load: () => Promise<Action>;
}

const rowFormats = ["table", "csv", "tsv", "json", "ndjson", "markdown", "vertical"];
const forRows = "table on a terminal, else csv";

const actions: Readonly<Record<string, ActionEntry>> = {
  list: {
    usage: "",
    about: "Print the results that are kept, the oldest first",
    formats: rowFormats,
    fallback: forRows,
    load: async () => (await import("./results-list.ts")).list,
  },
  show: {
    usage: "<name>",
    about: "Print all that is known of one result",
    formats: rowFormats,
    fallback: "vertical on a terminal, else csv",
    load: async () => (await import("./results-list.ts")).show,
  },
  query: {
    usage: "[sql]",
    about: "Run one statement over kept results, with any SQL that DuckDB has",
    options: [
      new Option("-f, --file <file>", "read the SQL from a file"),
      new Option("--param <name=value>", "value for a named placeholder, repeatable").argParser(collect),
      new Option("-p <value>", "value for the next positional placeholder, repeatable").argParser(collect),
      rowsOption("--limit <rows>", "stop after this many rows"),
      new Option("--keep", "keep what it returns, and print its name"),
      durationOption("--timeout <duration>", "stop the statement after this long, e.g. 30s"),
    ],
    formats: rowFormats,
    fallback: forRows,
    load: async () => (await import("./results-query.ts")).query,
  },
  profile: {
    usage: "<name>",
    about: "Tell what each column holds: nulls, distinct values, quantiles, the most frequent, a histogram",
    options: [new Option("--chart", "draw it"), new Option("--html <file>", "write a page with pictures to a new file")],
    formats: rowFormats,
    fallback: forRows,
    load: async () => (await import("./results-profile.ts")).profile,
  },
  lineage: {
    usage: "<name>",
    about: "Tell where a result came from, and which files were made of it",
    formats: ["text", "mermaid", "json"],
    fallback: "text; json is OpenLineage",
    load: async () => (await import("./results-lineage.ts")).lineage,
  },
  find: {
    usage: "<file>",
    about: "Say where an exported file came from, whatever it is called now",
    formats: ["text", "json"],
    fallback: "text",
    load: async () => (await import("./results-lineage.ts")).find,
  },
  rm: {
    usage: "[names...]",
    about: "Remove results",
    options: [new Option("--all", "remove all of them")],
    load: async () => (await import("./results-list.ts")).remove,
  },
  gc: {
    usage: "",
    about: "Remove what has expired and what stopped processes left",
    load: async () => (await import("./results-list.ts")).collectGarbage,
  },
};

export function define(command: Command, context: CommandContext): void {
  const { io } = context;
  const known = Object.keys(actions);
  command.argument("[action]", known.join(", ")).addHelpText("after", examples);
  command.action((action: string | undefined) => {
    if (action === undefined) return io.out(`${command.helpInformation()}${examples}\n`);
    throw problem("INPUT_INVALID", `Action "${action}" is unknown`, didYouMean(action, known) ?? `Use one of: ${known.join(", ")}`);
  });
  for (const [name, { usage, about, options = [], formats, fallback, load }] of Object.entries(actions)) {
    const sub = commonOptions(command.command(`${name} ${usage}`.trim())).description(about);
    if (formats) sub.addOption(new Option("--format <format>", `output format (default: ${fallback})`).choices(formats));
    for (const option of options) sub.addOption(option);
    sub.addHelpText("after", examplesOf(name));
    sub.action(async (...given: readonly unknown[]) => {
      // Commander passes the arguments, then the options, then the command itself.
      const names = given
        .slice(0, -2)
        .flat()
        .filter((part) => part !== undefined);
      await (await load())(names as string[], given.at(-2), context);
    });
  }
  // After the actions, which take no more than they say: whatever follows a misspelt one is of no interest.
  command.allowExcessArguments();
}

const examples = `
Examples:
  tidegate results list
  tidegate results show r1
  tidegate results query "select status, count(*) from r1 group by all"
  tidegate results query "select * from r1 join r2 using (customer_id)" --format json --limit 100
  tidegate results query "select city, sum(total) as total from r1 group by all" --keep
  tidegate results profile r1
  tidegate results profile r1 --chart
  tidegate results profile r1 --html r1.html
  tidegate results lineage r3
  tidegate results lineage r3 --format mermaid > r3.mmd
  tidegate results find big.csv
  tidegate results rm r1 r2
  tidegate results rm --all
  tidegate results gc`;

function examplesOf(action: string): string {
  const lines = examples.split("\n").filter((line) => line.startsWith(`  tidegate results ${action}`));
  return `\nExamples:\n${lines.join("\n")}`;
}
