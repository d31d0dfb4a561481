import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { readAudit } from "../core/audit/read.ts";
import type { Config } from "../core/config/config.ts";
import { callsOfTraces, patternsOf, patternsYaml, type Seen } from "../core/policy/keep/learn.ts";
import { problem } from "../core/problem.ts";
import type { CommandContext } from "./commands.ts";
import { configOf } from "./open.ts";
import type { PolicyOptions } from "./policy-open.ts";

interface LearnOptions extends PolicyOptions {
  readonly from?: string;
  readonly since?: number;
  readonly min: string;
}

/** Prints the shapes of the statements that went well, as a role's `patterns`. */
export async function learn(_: readonly string[], options: LearnOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const config = await configOf(options, context);
  const least = Number(options.min);
  if (!Number.isSafeInteger(least) || least < 1)
    throw problem("INPUT_INVALID", `Cannot read --min "${options.min}": wanted a whole number from 1`, "For example: --min 3");
  const since = options.since === undefined ? "" : new Date(Date.now() - options.since).toISOString();
  const isMeant = ({ time, connection }: Seen) => time >= since && (options.connection ?? connection) === connection;
  const patterns = patternsOf(calls(options, config, io.cwd).filter(isMeant)).filter((pattern) => pattern.calls >= least);
  if (options.format === "json") return io.out(`${JSON.stringify(patterns, null, 2)}\n`);
  if (patterns.length === 0)
    throw problem(
      "NOT_FOUND",
      "No statement was found to learn from",
      "Run some first, or look elsewhere with --from audit, traces or a file",
    );
  await io.out(patternsYaml(patterns));
  io.note("Put them into a role: it then allows these statements, with any values, and no others");
}

function calls({ from, principal }: LearnOptions, config: Config, folder: string): IteratorObject<Seen> {
  const traces = join(config.folders.state, "traces");
  const audit = config.audit.folder;
  const chosen = from ?? (readsAny(audit, principal) ? "audit" : "traces");
  if (chosen === "audit") return audited(audit, principal);
  if (principal !== undefined) throw problem("INPUT_INVALID", "Traces do not tell who asked", "Use --from audit, or leave --principal out");
  return callsOfTraces(linesOf(chosen === "traces" ? traces : resolve(folder, chosen), chosen));
}

const readsAny = (folder: string, principal: string | undefined): boolean => audited(folder, principal).next().done !== true;

function* audited(folder: string, principal: string | undefined): Generator<Seen> {
  const wanted = { outcome: "ok", ...(principal !== undefined && { principal }) };
  for (const { fingerprint, connection = "", time, sql, action } of readAudit(folder, wanted)) {
    // A statement that was only asked about was not run.
    if (fingerprint !== undefined && !action.startsWith("policy ")) yield { fingerprint, connection, time, sql };
  }
}

/** The lines of a file, or of every file of a folder. */
function* linesOf(path: string, shown: string): Generator<string> {
  if (!existsSync(path)) throw problem("NOT_FOUND", `There is no "${shown}" to learn from`, "Name audit, traces, or a file of either");
  const files = path.endsWith(".jsonl")
    ? [path]
    : readdirSync(path)
        .filter((name) => name.endsWith(".jsonl"))
        .sort()
        .map((name) => join(path, name));
  for (const file of files) yield* readFileSync(file, "utf8").split("\n");
}
