import type { BundledPlugins } from "../core/plugin/registry.ts";
import { commands } from "./commands.ts";
import { saidVersion, version } from "./version.ts";

/** The plugins compiled into the binary; everything else is loaded from the plugin folder. */
const bundled: BundledPlugins = {
  sqlite: () => import("../plugins/sqlite/plugin.ts"),
  duckdb: () => import("../plugins/duckdb/plugin.ts"),
};

const [name, ...rest] = process.argv.slice(2);

if ((name === "--version" || name === "-V") && saidVersion()) {
  // Said, and nothing else was loaded.
} else if (name === "__seat") {
  const { seat } = await import("./seat.ts");
  await seat(bundled);
} else {
  if (name === "serve") (await import("./threads.ts")).withEnoughThreads(process.argv.slice(2));
  const { run } = await import("./run.ts");
  await run({ name, rest, commands, bundled, version });
}
