import type { ExportedFile, Lineage } from "../contract/results.ts";
import { visible } from "../export/visible.ts";
import type { LineageGraph } from "./lineage-graph.ts";
import type { Recalled } from "./results.ts";

const longestSql = 300;

/** A result and under it what it was made of, down to the sources. */
export function lineageText({ root, results, files }: LineageGraph): string {
  const known = new Map(results.map((result) => [result.name, result]));
  const seen = new Set<string>();
  const lines: string[] = [];
  const write = (name: string, indent: string) => {
    const result = known.get(name);
    const own = (text: string) => lines.push(`${indent}  ${text}`);
    if (result === undefined || seen.has(name))
      return void lines.push(`${indent}${name}  ${result ? "see above" : "no longer remembered"}`);
    seen.add(name);
    lines.push(`${indent}${result.name}  ${resultFacts(result)}`);
    for (const line of madeBy(result.lineage)) own(line);
    for (const parent of result.lineage.parents) write(parent, `${indent}  `);
  };
  write(root.name, "");
  for (const file of files) lines.push(`  exported  ${fileText(file)}`);
  return `${lines.join("\n")}\n`;
}

/** What a file is and when it was written. */
export function fileText({ path, rows, bytes, created, sha256 }: ExportedFile): string {
  return `${visible(path)}  ${rows} ${rows === 1 ? "row" : "rows"}, ${bytes} bytes, ${timeText(created)}, sha256 ${sha256}`;
}

/** Where rows were read, by which statement, under which policy. */
export function madeBy({ connection, objects, parents, fingerprint, sql, policy, traceId }: Lineage): string[] {
  const source = parents.length > 0 ? `made of ${parents.join(", ")}` : `read from ${visible(connection)}`;
  return [
    parents.length > 0 || objects.length === 0 ? source : `${source}: ${objects.map(visible).join(", ")}`,
    ...(sql === undefined ? [] : [`sql  ${visible(sql.length > longestSql ? `${sql.slice(0, longestSql)}…` : sql)}`]),
    `fingerprint ${fingerprint}, trace ${traceId}`,
    ...(policy === undefined ? [] : [`policy  ${visible(policy)}`]),
  ];
}

function resultFacts({ rows, truncated, created, gone }: Recalled): string {
  const count = `${rows} ${rows === 1 ? "row" : "rows"}`;
  return [count, ...(truncated ? [`truncated: ${truncated}`] : []), timeText(created), ...(gone ? [gone] : [])].join(", ");
}

/** To the second, UTC. */
export function timeText(millis: number): string {
  return `${new Date(millis).toISOString().slice(0, 19)}Z`;
}
