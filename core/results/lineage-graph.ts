import type { ExportedFile } from "../contract/results.ts";
import { didYouMean, problem } from "../problem.ts";
import type { Recalled } from "./results.ts";

/** A result, everything it was made of, and the files that were made of it. */
export interface LineageGraph {
  readonly root: Recalled;
  /** The root and all results before it, each once, parents first. */
  readonly results: readonly Recalled[];
  /** Names of results that are no longer remembered. */
  readonly forgotten: readonly string[];
  readonly files: readonly ExportedFile[];
}

/** Follows a result back to where its rows were read. @throws NOT_FOUND */
export async function lineageGraph(
  name: string,
  known: {
    recall(name: string): Promise<Recalled | undefined>;
    names(): Promise<readonly string[]>;
    files(): Promise<readonly ExportedFile[]>;
  },
): Promise<LineageGraph> {
  const results = new Map<string, Recalled>();
  const forgotten = new Set<string>();
  const follow = async (wanted: string): Promise<Recalled | undefined> => {
    const found = await known.recall(wanted);
    if (found === undefined) forgotten.add(wanted);
    else {
      for (const parent of found.lineage.parents) if (!results.has(parent) && !forgotten.has(parent)) await follow(parent);
      results.set(found.name, found);
    }
    return found;
  };
  const root = await follow(name);
  if (root === undefined) {
    const near = didYouMean(name.slice(0, 100), await known.names());
    throw problem("NOT_FOUND", `No result is named "${name.slice(0, 100)}"`, near ?? "See them with: tidegate results list");
  }
  const files = (await known.files()).filter(({ lineage }) => lineage.parents.includes(root.name));
  return { root, results: [...results.values()], forgotten: [...forgotten], files };
}
