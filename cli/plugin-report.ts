import { AssertionError } from "node:assert";
import { Problem } from "../core/problem.ts";
import type { CaseReport } from "./plugin-cases.ts";

/** How a run of the driver suite is printed: as it begins, as each case ends, and at the end. */
export interface ReportFormat {
  begin(driver: string, total: number): string;
  each(report: CaseReport): string;
  end(driver: string, reports: readonly CaseReport[], total: number): string;
}

/** `folder` is the plugin's: of a stack, only the lines in it help its author. */
export function reportFormat(format: string, folder: string): ReportFormat {
  const make = { text, tap, json }[format] ?? text;
  return make((error) => explained(error, folder));
}

type Explain = (error: unknown) => string;

function text(explain: Explain): ReportFormat {
  let group = "";
  return {
    begin: (driver) => `driver ${driver}\n`,
    each(report) {
      const heading = report.group === group ? "" : `\n${report.group}\n`;
      group = report.group;
      const why = report.state === "not ok" ? indented(explain(report.error), "          ") : "";
      return `${heading}  ${report.state.padEnd(6)}  ${report.name}\n${why}`;
    },
    end: (_, reports, total) => `\n${summary(reports, total)}\n`,
  };
}

function tap(explain: Explain): ReportFormat {
  let number = 0;
  return {
    begin: (driver, total) => `TAP version 14\n# driver ${tapText(driver)}\n1..${total}\n`,
    each({ group, name, state, error }) {
      const line = `${state === "not ok" ? "not ok" : "ok"} ${++number} - ${tapText(`${group}: ${name}`)}${state === "skip" ? " # SKIP" : ""}\n`;
      return state === "not ok" ? `${line}  ---\n  message: |\n${indented(explain(error), "    ")}  ...\n` : line;
    },
    end: (_, reports, total) =>
      reports.length < total ? "Bail out! The database could not be filled\n" : `# ${summary(reports, total)}\n`,
  };
}

function json(explain: Explain): ReportFormat {
  return {
    begin: () => "",
    each: () => "",
    end(driver, reports, total) {
      const cases = reports.map(({ error, ...report }) => ({ ...report, ...(report.state === "not ok" && { error: explain(error) }) }));
      return `${JSON.stringify({ driver, ...counts(reports, total), cases }, null, 2)}\n`;
    },
  };
}

function counts(reports: readonly CaseReport[], total: number) {
  const of = (state: CaseReport["state"]) => reports.filter((report) => report.state === state).length;
  return { passed: of("ok"), failed: of("not ok"), skipped: of("skip"), notRun: total - reports.length };
}

function summary(reports: readonly CaseReport[], total: number): string {
  const { passed, failed, skipped, notRun } = counts(reports, total);
  return `${passed} passed, ${failed} failed, ${skipped} skipped${notRun > 0 ? `, ${notRun} not run` : ""}`;
}

/** An assertion says all in its message; of any other error its author wants to know where. */
function explained(error: unknown, folder: string): string {
  if (!(error instanceof Error)) return String(error);
  const places = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line) && line.includes(folder));
  const name = error instanceof AssertionError || error instanceof Problem ? "" : `${error.name}: `;
  return [`${name}${error.message}`, ...places.map((line) => line.trim())].join("\n");
}

function indented(lines: string, by: string): string {
  return lines
    .trimEnd()
    .split("\n")
    .map((line) => `${by}${line}`.trimEnd())
    .concat("")
    .join("\n");
}

/** In TAP, a number sign begins a directive. */
function tapText(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("#", "\\#").replaceAll(/\s+/g, " ");
}
