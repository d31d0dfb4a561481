import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Principal } from "../core/contract/policy.ts";
import type { ExportedFile } from "../core/contract/results.ts";
import { problem } from "../core/problem.ts";
import { type LineageGraph, lineageGraph } from "../core/results/lineage-graph.ts";
import { fileText, lineageText, madeBy } from "../core/results/lineage-text.ts";
import type { Results } from "../core/results/results.ts";
import type { CommandContext } from "./commands.ts";
import { type ResultsOptions, withResults } from "./results-open.ts";

/** Prints where a result came from. */
export async function lineage([name = ""]: readonly string[], options: ResultsOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  await withResults("lineage", options, context, async (results, { principal }) => {
    const graph = await graphOf(results, principal, name);
    if (options.format === "mermaid") return io.out((await import("../core/results/lineage-mermaid.ts")).lineageMermaid(graph));
    if (options.format !== "json") return io.out(lineageText(graph));
    const { lineageEvents } = await import("../core/results/lineage-events.ts");
    const producer = { uri: `https://github.com/tidegate/tidegate/tree/v${io.version}`, owner: principal.id };
    return io.out(`${JSON.stringify(lineageEvents(graph, producer), null, 2)}\n`);
  });
}

function graphOf(results: Results, principal: Principal, name: string): Promise<LineageGraph> {
  return lineageGraph(name, {
    recall: (wanted) => results.recall(principal, wanted),
    names: async () => (await results.list(principal)).map((each) => each.name),
    files: () => results.files(principal),
  });
}

/** Says by its content where a file came from. @throws NOT_FOUND for one that was not exported here, or was changed since */
export async function find([path = ""]: readonly string[], options: ResultsOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const sha256 = await hashOf(resolve(io.cwd, path), path);
  await withResults("find", options, context, async (results, { principal }) => {
    const files = await results.files(principal, sha256);
    if (files.length === 0) throw problem("NOT_FOUND", `"${path}" was not exported here, or was changed since`, `Its sha256 is ${sha256}`);
    if (options.format === "json") return io.out(`${JSON.stringify(files, null, 2)}\n`);
    for (const file of files) await io.out(`${fileText(file)}\n${indented(await originText(file, results, principal))}`);
  });
}

/** Of a result what that came from, as far as it is remembered; else the statement. */
async function originText({ lineage }: ExportedFile, results: Results, principal: Principal): Promise<string> {
  if (lineage.parents.length === 0) return `${madeBy(lineage).join("\n")}\n`;
  const texts: string[] = [];
  for (const name of lineage.parents)
    texts.push(
      (await results.recall(principal, name)) ? lineageText({ ...(await graphOf(results, principal, name)), files: [] }) : `${name}\n`,
    );
  return texts.join("");
}

const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, "  ");

async function hashOf(path: string, shown: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash).catch((cause: NodeJS.ErrnoException) => {
    throw problem("NOT_FOUND", `Cannot read "${shown}": ${cause.code ?? "failed"}`, "Check the path and its permissions", cause);
  });
  return hash.digest("hex");
}
