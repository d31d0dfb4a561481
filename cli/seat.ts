import { runSeat } from "../core/connection/seat/run.ts";
import { type BundledPlugins, createRegistry } from "../core/plugin/registry.ts";

/** Runs one connection of a blocking engine for the tidegate process that started this one. */
export async function seat(bundled: BundledPlugins): Promise<void> {
  const registry = createRegistry({ bundled, folder: "", log: () => undefined });
  await runSeat(({ plugin, driver }) => registry.driver(plugin, driver));
}
