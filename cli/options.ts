import { type Command, Option } from "commander";
import { readDuration } from "../core/config/units.ts";
import { problem } from "../core/problem.ts";

/** Options every command understands; read as `CommonOptions`. */
export function commonOptions(command: Command): Command {
  return command
    .option("--config <file>", "read this configuration file only")
    .option("-y, --yes", "install a missing driver without asking")
    .option("-q, --quiet", "print data and errors only")
    .option("--no-color", "print without colours")
    .option("--log-level <level>", "error, warn, info or debug")
    .option("--log-format <format>", "text or json");
}

/** Gathers a repeatable option. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** An option that takes a number of rows. */
export function rowsOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text)))
      throw problem("INPUT_INVALID", `Cannot read ${name(flags)} "${text}": wanted a whole number`, `For example: ${name(flags)} 100`);
    return Number(text);
  });
}

/** An option that takes a duration such as `30s`; its value is in milliseconds. */
export function durationOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text) => {
    const millis = /^\d+$/.test(text) ? undefined : readDuration(text);
    if (millis === undefined)
      throw problem(
        "INPUT_INVALID",
        `Cannot read ${name(flags)} "${text}": wanted a number with a unit`,
        `For example: ${name(flags)} 30s`,
      );
    return millis;
  });
}

function name(flags: string): string {
  return flags.split(" ")[0] ?? flags;
}
