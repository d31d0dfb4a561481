import type { CommanderError } from "commander";
import { didYouMean, type Problem, problem } from "../core/problem.ts";

/** What the parser of the command line refused, in our words and with near names. */
export function usage({ code, message }: CommanderError, command: string): Problem {
  const text = message.replace(/^error: /, "");
  const [, flags, value, listed] = /^option '([^']*)' argument '(.*)' is invalid\. Allowed choices are (.*)\.$/s.exec(text) ?? [];
  if (flags !== undefined && value !== undefined && listed !== undefined) return notAChoice(flags, value, listed.split(", "));
  if (code === "commander.unknownOption" && /^unknown option '--[^=\s']*\s/.test(text)) {
    return problem(
      "INPUT_INVALID",
      "SQL that begins with a comment was taken for an option",
      "Put -- before it: tidegate query <target> -- '<sql>', or give it with -f or on standard input",
    );
  }
  const [first = text, suggestion] = text.split("\n");
  return problem("INPUT_INVALID", inOurStyle(first), suggestion?.replace(/[()]/g, "") ?? `Run: tidegate ${command} --help`);
}

function notAChoice(flags: string, value: string, choices: readonly string[]): Problem {
  const option = flags.split(" ")[0];
  return problem("INPUT_INVALID", `Cannot use ${option} "${value}"`, didYouMean(value, choices) ?? `Use one of: ${choices.join(", ")}`);
}

function inOurStyle(text: string): string {
  return text
    .replace(/^./, (letter) => letter.toUpperCase())
    .replace(/\.$/, "")
    .replaceAll("'", '"');
}
