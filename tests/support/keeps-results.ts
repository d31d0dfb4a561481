import type { Value } from "../../core/contract/rows.ts";
import { memoryDriver } from "./memory-driver.ts";
import { resultsApp } from "./results-app.ts";

/** Keeps results in the folder that is named, one after the other, until the process is ended from outside. */
const [state = "", count = "3000"] = process.argv.slice(2);
const rows = Array.from({ length: Number(count) }, (_, n): Value[] => [n, `word ${n}`]);
const columns = [
  { name: "n", type: "int", nativeType: "INT" },
  { name: "s", type: "text", nativeType: "TEXT" },
] as const;
const { driver } = memoryDriver({ many: { columns, rows } });
const room = await resultsApp([driver], { main: "memory:x" }, {}, state);
process.stdout.write("ready\n");
for (;;) {
  await room.call("query", { sql: "many" });
  process.stdout.write("kept\n");
}
