import { accessSync, constants, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Command, Option } from "commander";
import { type App, connectionFor, serveTools } from "../core/app.ts";
import type { ReadOnlyProof } from "../core/contract/driver.ts";
import { asProblem, problem } from "../core/problem.ts";
import type { CommandContext } from "./commands.ts";
import { type CommonOptions, configOf, withApp } from "./open.ts";
import { commonOptions } from "./options.ts";

interface DoctorOptions extends CommonOptions {
  readonly format: "text" | "json";
}

/** One thing looked at. `ok` false makes the command fail. */
interface Finding {
  readonly topic: string;
  readonly name: string;
  readonly ok: boolean;
  readonly text: string;
}

export function define(command: Command, context: CommandContext): void {
  commonOptions(command)
    .argument("[targets...]", "also check these files, URLs or connections (default: all configured ones)")
    .addOption(new Option("--format <format>", "how to print the findings").choices(["text", "json"]).default("text"))
    .addHelpText("after", examples)
    .action((targets: string[], options: DoctorOptions) => doctor(targets, options, context));
}

const examples = `
Examples:
  tidegate doctor
  tidegate doctor shop.db lake/
  tidegate doctor --format json`;

async function doctor(targets: readonly string[], options: DoctorOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const config = await configOf(options, context);
  const connections =
    targets.length > 0 ? targets.map((target) => connectionFor(target, config, io.cwd)) : Object.values(config.connections);
  await withApp("doctor", connections, config, context, async (app) => {
    const findings = [
      ...about(app, context),
      ...plugins(app),
      ...(await Promise.all(app.connections.names.map((name) => checkConnection(app, name, io.signal)))).flat(),
      await toolCost(app),
    ];
    await io.out(options.format === "json" ? `${JSON.stringify(findings, null, 2)}\n` : `${findings.map(line).join("\n")}\n`);
    const bad = findings.filter(({ ok }) => !ok);
    if (bad.length > 0)
      throw problem(
        "CONNECTION_FAILED",
        `${bad.length} of ${findings.length} checks failed: ${bad.map(({ name }) => name).join(", ")}`,
        options.format === "json" ? 'Read the entries whose "ok" is false' : "Read the lines marked with an exclamation mark above",
      );
  });
}

function about({ config }: App, { io }: CommandContext): Finding[] {
  const runtime =
    "Bun" in globalThis
      ? `Bun ${process.versions.bun}`
      : "Deno" in globalThis
        ? `Deno ${process.versions.deno}`
        : `Node ${process.version}`;
  return [
    { topic: "version", name: "tidegate", ok: true, text: `${io.version} on ${runtime}, ${process.platform}-${process.arch}` },
    { topic: "config", name: "files", ok: true, text: config.files.length === 0 ? "none, defaults are used" : config.files.join(", ") },
    { topic: "folder", name: "config", ok: true, text: config.folders.config },
    ...(["data", "state", "cache"] as const).map((name) => written("folder", name, config.folders[name])),
    config.telemetry.traces === "file"
      ? written("traces", "file", join(config.folders.state, "traces"))
      : { topic: "traces", name: config.telemetry.traces, ok: true, text: "" },
    written("exports", "folder", config.export.folder),
  ];
}

/** A folder that is written to, or made by the first who does. */
function written(topic: string, name: string, path: string): Finding {
  try {
    accessSync(nearestThere(path), constants.W_OK | constants.X_OK);
    return { topic, name, ok: true, text: path };
  } catch {
    // Whatever the reason, what counts is that nothing can be kept there.
    return { topic, name, ok: false, text: `${path} cannot be written. Set its permissions, or choose another folder` };
  }
}

function nearestThere(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestThere(dirname(path));
}

function plugins(app: App): Finding[] {
  return app.registry.installed().map(({ name, version, error, schemes }) => ({
    topic: "plugin",
    name,
    ok: error === undefined,
    text: error ?? `${version}, serves ${schemes.join(", ")}`,
  }));
}

async function checkConnection(app: App, name: string, signal: AbortSignal): Promise<Finding[]> {
  const started = performance.now();
  try {
    const proof = await app.connections.proof(name, AbortSignal.any([signal, AbortSignal.timeout(10_000)]));
    const opened = performance.now() - started;
    const lease = await app.connections.borrow(name, "read", signal);
    const asked = performance.now();
    await lease.connection.ping(signal);
    const ping = performance.now() - asked;
    const [statement] = await lease.connection.analyze("select 1", signal);
    const masks = lease.connection.render !== undefined;
    await lease.release();
    const open = proof.attempts.filter(({ refused }) => !refused).map(({ attempt }) => attempt);
    const walls = `${proof.attempts.length - open.length} of ${proof.attempts.length} attempted writes refused`;
    return [
      {
        topic: "connection",
        name,
        ok: proof.state !== "UNVERIFIED",
        text: `${app.connections.facts(name).title}, opened in ${opened.toFixed(0)} ms, answers in ${ping.toFixed(1)} ms, read-only ${proof.state} (${walls}${open.length === 0 ? "" : `; let through: ${open.join(", ")}`})`,
      },
      { topic: "walls", name, ok: true, text: wallsText({ analysed: statement?.analysis !== undefined, masks, state: proof.state }, name) },
    ];
  } catch (error) {
    const { message, hint } = asProblem(error);
    return [{ topic: "connection", name, ok: false, text: hint === undefined ? message : `${message}. ${hint}` }];
  }
}

interface Walls {
  readonly analysed: boolean;
  readonly masks: boolean;
  readonly state: ReadOnlyProof["state"];
}

/** What stands between a statement and the data, from the outside in. */
function wallsText({ analysed, masks, state }: Walls, name: string): string {
  return [
    `grammar ${analysed ? `reads tables, columns and functions${masks ? ", and can mask them" : ""}` : "tells kinds of statements only"}`,
    "protocol takes one statement a message",
    `session ${state === "verified" ? "refuses writes" : state === "role-limited" ? "lets writes through" : "is not proved"}`,
    `role ${state === "role-limited" ? "refuses writes" : `is not relied on (a narrower one: tidegate policy role-sql ${name})`}`,
  ].join("; ");
}

/** Models pay for the list of tools in every conversation; four bytes are about one token. */
async function toolCost(app: App): Promise<Finding> {
  const { tools, listTool } = await serveTools(app);
  const bytes = JSON.stringify({ tools: tools.map(listTool) }).length;
  return {
    topic: "tools",
    name: "cost",
    ok: true,
    text: `${tools.length} tools, about ${Math.round(bytes / 4)} tokens (${tools.map(({ name }) => name).join(", ")})`,
  };
}

function line({ topic, name, ok, text }: Finding): string {
  return `${ok ? " " : "!"} ${topic.padEnd(10)} ${name.padEnd(12)} ${text}`;
}
