import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Command, Option } from "commander";
import { type AuditFilter, readAudit } from "../core/audit/read.ts";
import type { AuditRecord } from "../core/audit/record.ts";
import { verifyAudit } from "../core/audit/verify.ts";
import type { Config } from "../core/config/config.ts";
import { readDuration } from "../core/config/units.ts";
import { didYouMean, problem } from "../core/problem.ts";
import type { CommandContext } from "./commands.ts";
import type { Io } from "./io.ts";
import { type CommonOptions, configOf } from "./open.ts";
import { commonOptions } from "./options.ts";

interface AuditOptions extends CommonOptions {
  readonly format?: "text" | "json";
  readonly lines?: string;
  readonly since?: string;
  readonly principal?: string;
  readonly connection?: string;
  readonly action?: string;
  readonly outcome?: string;
  readonly trace?: string;
  readonly fingerprint?: string;
  readonly to?: string;
}

export function define(command: Command, context: CommandContext): void {
  const { io } = context;
  const actions = ["tail", "search", "verify", "export"];
  command.argument("[action]", actions.join(", ")).addHelpText("after", examples);
  command.action((action: string | undefined) => {
    if (action === undefined) return io.out(`${command.helpInformation()}${examples}\n`);
    throw problem("INPUT_INVALID", `Action "${action}" is unknown`, didYouMean(action, actions) ?? `Use one of: ${actions.join(", ")}`);
  });
  const withConfig =
    <Arguments extends unknown[]>(
      work: (config: Config, ...given: Arguments) => Promise<void>,
      options: (...given: Arguments) => CommonOptions,
    ) =>
    async (...given: Arguments) =>
      work(await configOf(options(...given), context), ...given);
  filterOptions(command.command("tail"))
    .description("Print the last records")
    .option("-n, --lines <count>", "how many", "20")
    .action(
      withConfig(
        async (config: Config, options: AuditOptions) => tail(config, options, io),
        (options) => options,
      ),
    );
  filterOptions(command.command("search [text]"))
    .description("Print the records that fit")
    .action(
      withConfig(
        async (config: Config, text: string | undefined, options: AuditOptions) => search(config, text, options, io),
        (_, options) => options,
      ),
    );
  commonOptions(command.command("verify"))
    .description("Say whether any record was changed, deleted or cut off")
    .addOption(formatOption())
    .action(
      withConfig(
        async (config: Config, options: AuditOptions) => verify(config, options, io),
        (options) => options,
      ),
    );
  filterOptions(command.command("export"))
    .description("Write the records that fit as JSON lines")
    .requiredOption("--to <file>", "where to")
    .action(
      withConfig(
        async (config: Config, options: AuditOptions) => exportRecords(config, options, io),
        (options) => options,
      ),
    );
}

const formatOption = (): Option => new Option("--format <format>", "how to print them").choices(["text", "json"]).default("text");

function filterOptions(command: Command): Command {
  return commonOptions(command)
    .addOption(formatOption())
    .option("--since <duration>", "not older than this, such as 30m or 12h")
    .option("--principal <id>", "who asked")
    .option("--connection <name>", "of this connection")
    .option("--action <name>", "of this tool or command, such as query")
    .option("--outcome <outcome>", "ok, a code such as TIMEOUT, or refused")
    .option("--trace <id>", "of this trace, or of traces that begin so")
    .option("--fingerprint <digits>", "of statements of this shape");
}

const examples = `
Examples:
  tidegate audit tail
  tidegate audit search customers --outcome refused --since 24h
  tidegate audit verify
  tidegate audit export --since 24h --to audit.jsonl`;

function filterOf({ since, principal, connection, action, outcome, trace, fingerprint }: AuditOptions, text?: string): AuditFilter {
  const millis = since === undefined ? undefined : readDuration(since);
  if (since !== undefined && millis === undefined)
    throw problem("INPUT_INVALID", `Cannot read --since "${since}"`, "Write a duration such as 30m or 12h, at most 576h");
  const given = { principal, connection, action, outcome, trace, fingerprint, text };
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...set, ...(millis !== undefined && { since: new Date(Date.now() - millis) }) };
}

async function tail(config: Config, options: AuditOptions, io: Io): Promise<void> {
  const count = Number(options.lines);
  if (!Number.isSafeInteger(count) || count < 1)
    throw problem("INPUT_INVALID", `Cannot read --lines "${options.lines}"`, "Write a whole number from 1");
  const last: AuditRecord[] = [];
  for (const record of readAudit(config.audit.folder, filterOf(options))) {
    last.push(record);
    if (last.length > count) last.shift();
  }
  await print(last, options, io, config);
}

async function search(config: Config, text: string | undefined, options: AuditOptions, io: Io): Promise<void> {
  await print(readAudit(config.audit.folder, filterOf(options, text)), options, io, config);
}

async function print(records: Iterable<AuditRecord>, { format }: AuditOptions, io: Io, { audit }: Config): Promise<void> {
  let count = 0;
  for (const record of records) {
    count++;
    await io.out(format === "json" ? `${JSON.stringify(record)}\n` : `${lineOf(record)}\n`);
  }
  if (count === 0)
    io.note(
      `No record fits${audit.mode === "on" ? "" : `: records are kept ${audit.mode === "off" ? "never (audit.mode: off)" : "while a policy is in force"}`}`,
    );
}

function lineOf({
  time,
  principal,
  action,
  connection,
  outcome,
  rows,
  affectedRows,
  millis,
  fingerprint,
  trace,
  masks,
  reason,
}: AuditRecord): string {
  const facts = [
    `${time.slice(0, 19)}Z`,
    principal,
    action,
    connection ?? "-",
    outcome,
    ...(rows === undefined ? [] : [`${rows} ${rows === 1 ? "row" : "rows"}`]),
    ...(affectedRows === undefined ? [] : [`${affectedRows} changed`]),
    ...(masks === undefined ? [] : [`${masks.length} masked`]),
    `${millis} ms`,
    ...(fingerprint === undefined ? [] : [fingerprint]),
    `trace ${trace}`,
  ];
  return reason === undefined ? facts.join("  ") : `${facts.join("  ")}\n  ${reason}`;
}

/** @throws CONFLICT when something is not as it was written */
async function verify(config: Config, { format }: AuditOptions, io: Io): Promise<void> {
  const report = verifyAudit(config.audit.folder, config.folders.state);
  if (format === "json") await io.out(`${JSON.stringify(report)}\n`);
  else {
    for (const { file, line, text } of report.flaws) await io.out(`${file}${line === undefined ? "" : `:${line}`}: ${text}\n`);
    if (report.flaws.length === 0)
      await io.out(`OK: ${report.records} records in ${report.files} files, ${report.checkpoints} signatures\n`);
    if (report.unsigned.length > 0) io.note(`The last records of ${report.unsigned.join(", ")} are not signed yet`);
  }
  if (report.flaws.length > 0)
    throw problem("CONFLICT", `The audit was changed in ${report.flaws.length} places`, "Compare it with a copy kept elsewhere");
}

async function exportRecords(config: Config, options: AuditOptions, io: Io): Promise<void> {
  const { to = "" } = options;
  let count = 0;
  function* lines(): Generator<string> {
    for (const record of readAudit(config.audit.folder, filterOf(options))) {
      count++;
      yield `${JSON.stringify(record)}\n`;
    }
  }
  await pipeline(Readable.from(lines()), createWriteStream(to, { mode: 0o600, flags: "wx" })).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") throw problem("CONFLICT", `"${to}" exists already`, "Name another file");
    throw problem("INPUT_INVALID", `Cannot write "${to}": ${error.code ?? "failed"}`, "Check the path and the space left", error);
  });
  io.note(`Wrote ${to}: ${count} records`);
}
