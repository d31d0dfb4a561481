import { basename } from "node:path";
import type { LineageGraph } from "./lineage-graph.ts";

/** A flowchart of where a result came from and which files were made of it. */
export function lineageMermaid({ root, results, forgotten, files }: LineageGraph): string {
  const sources = new Map<string, string>();
  const nodes: string[] = [];
  const arrows: string[] = [];
  const source = (connection: string, object: string): string => {
    const key = JSON.stringify([connection, object]);
    const id = sources.get(key) ?? `s${sources.size + 1}`;
    if (!sources.has(key))
      nodes.push(
        `${id}[("${[connection, object]
          .filter((part) => part !== "")
          .map(label)
          .join("<br/>")}")]`,
      );
    sources.set(key, id);
    return id;
  };
  for (const { name, rows, gone, lineage } of results) {
    const from =
      lineage.parents.length > 0 ? lineage.parents : sourcesOf(lineage.objects).map((object) => source(lineage.connection, object));
    nodes.push(`${name}["${label(name)}<br/>${rows} ${rows === 1 ? "row" : "rows"}${gone ? `, ${gone}` : ""}"]`);
    arrows.push(...from.map((id) => `${id} --> ${name}`));
  }
  nodes.push(...forgotten.map((name) => `${name}["${label(name)}<br/>no longer remembered"]`));
  for (const [index, { path, rows }] of files.entries()) {
    nodes.push(`f${index + 1}[/"${label(basename(path))}<br/>${rows} ${rows === 1 ? "row" : "rows"}"/]`);
    arrows.push(`${root.name} --> f${index + 1}`);
  }
  return `flowchart LR\n${[...nodes, ...arrows].map((line) => `  ${line}\n`).join("")}`;
}

/** A statement without tables still came from its connection. */
const sourcesOf = (objects: readonly string[]): readonly string[] => (objects.length === 0 ? [""] : objects);

/** Text in quotes: entities for all that means something to Mermaid or to HTML. */
function label(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N} _.,:/()=+*-]/gu, (character) => `#${character.codePointAt(0)};`);
}
