import { type Command, Option } from "commander";
import { didYouMean, problem } from "../core/problem.ts";
import type { CommandContext } from "./commands.ts";
import { collect, commonOptions, durationOption } from "./options.ts";

type Action = (given: string[], options: any, context: CommandContext) => Promise<void>;

interface ActionEntry {
  readonly usage: string;
  readonly about: string;
  readonly options?: readonly Option[];
  /** `text` and `json` where it is not said. */
  readonly formats?: readonly string[];
  readonly load: () => Promise<Action>;
}

const policyFile = new Option("--policy <path>", "the policy: a file or a folder (default: policy.file of the configuration)");
const connection = new Option("--connection <name>", "a configured connection, or name=target: the name is what rules go by");
const who = [
  new Option("--as <role,…>", "with these roles"),
  new Option("--principal <id>", "as somebody the policy lists, or everybody else"),
  new Option("--value <name=value>", "a value for row filters, repeatable").argParser(collect),
];

const actions: Readonly<Record<string, ActionEntry>> = {
  check: {
    usage: "[target]",
    about: "Say what would become of a statement, and by which rules; runs nothing",
    options: [
      new Option("--sql <sql>", "the statement (default: standard input)"),
      new Option("-f, --file <file>", "read the SQL from a file"),
      new Option("--write", "as if the gate were open"),
      durationOption("--timeout <duration>", "give up after this long").default(30_000, "30s"),
      ...who,
      connection,
      policyFile,
    ],
    load: async () => (await import("./policy-check.ts")).check,
  },
  test: {
    usage: "<files...>",
    about: "Hold a policy against a table of statements and what is expected of them",
    options: [policyFile],
    load: async () => (await import("./policy-test.ts")).test,
  },
  diff: {
    usage: "<old> <new> [target]",
    about: "Show what another policy would change, and for whom",
    options: [connection],
    load: async () => (await import("./policy-diff.ts")).diff,
  },
  lint: {
    usage: "",
    about: "Read the policy and say what in it cannot hold",
    options: [
      new Option("--live", "compare it with the catalogs of the connections, and try its filters and masks"),
      connection,
      policyFile,
    ],
    load: async () => (await import("./policy-lint.ts")).lint,
  },
  init: {
    usage: "<target>",
    about: "Propose a policy for a database, with masks for what looks personal",
    options: [connection],
    formats: ["text"],
    load: async () => (await import("./policy-init.ts")).init,
  },
  learn: {
    usage: "",
    about: "Print the shapes of the statements that were run, for a role's patterns",
    options: [
      new Option("--from <source>", "audit, traces, or a file of either (default: the audit if there is one)"),
      new Option("--connection <name>", "of this connection only"),
      new Option("--principal <id>", "of this principal only; the audit knows them"),
      durationOption("--since <duration>", "not older than this, such as 12h"),
      new Option("--min <calls>", "seen at least so often").default("1"),
    ],
    load: async () => (await import("./policy-learn.ts")).learn,
  },
  "role-sql": {
    usage: "<target>",
    about: "Print what gives tidegate the least rights it needs in a database",
    options: [
      new Option("--name <name>", "what the role is called").default("tidegate_reader"),
      ...who.slice(0, 2),
      connection,
      policyFile,
    ],
    formats: ["text"],
    load: async () => (await import("./policy-role-sql.ts")).roleSql,
  },
  schema: {
    usage: "",
    about: "Print the JSON Schema of policy files, for editors",
    formats: ["json"],
    load: async () => (await import("./policy-init.ts")).schema,
  },
  "explain-denial": {
    usage: "<trace>",
    about: "Tell from the audit what was refused, and by which rule",
    load: async () => (await import("./policy-denial.ts")).explainDenial,
  },
};

export function define(command: Command, context: CommandContext): void {
  const { io } = context;
  command.argument("[action]", Object.keys(actions).join(", ")).addHelpText("after", examples);
  command.action((action: string | undefined) => {
    if (action === undefined) return io.out(`${command.helpInformation()}${examples}\n`);
    const known = Object.keys(actions);
    throw problem("INPUT_INVALID", `Action "${action}" is unknown`, didYouMean(action, known) ?? `Use one of: ${known.join(", ")}`);
  });
  for (const [name, { usage, about, options = [], formats = ["text", "json"], load }] of Object.entries(actions)) {
    const sub = commonOptions(command.command(`${name} ${usage}`.trim())).description(about);
    if (formats.length > 1) sub.addOption(new Option("--format <format>", "how to print it").choices(formats).default("text"));
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
}

const examples = `
Examples:
  tidegate policy init shop.db > policy.yaml
  tidegate policy lint --live
  tidegate policy check shop --as analyst --sql 'select email from customers'
  tidegate policy check --connection shop=./shop.db --policy policy.yaml --principal alice --sql 'select 1' --format json
  tidegate policy check shop --as seller --value region=EU -f report.sql
  tidegate policy test policy.test.yaml
  tidegate policy diff policy.yaml policy.new.yaml
  tidegate policy diff policy.yaml policy.new.yaml shop --format json
  tidegate policy learn --since 12h --min 3
  tidegate policy role-sql postgres://db.example.com/sales --as analyst
  tidegate policy schema > policy.schema.json
  tidegate policy explain-denial 4bf92f3577b34da6a3ce929d0e0e4736`;

function examplesOf(action: string): string {
  const lines = examples.split("\n").filter((line) => line.startsWith(`  tidegate policy ${action}`));
  return `\nExamples:\n${lines.join("\n")}`;
}
