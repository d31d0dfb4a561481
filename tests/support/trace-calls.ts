import { createLog } from "../../core/telemetry/log.ts";
import { createTelemetry } from "../../core/telemetry/trace.ts";

/** A process of its own that traces `count` calls into `folder`, or to the environment's collector without one. */
const [count, folder] = process.argv.slice(2);
const telemetry = createTelemetry({
  config: { traces: folder === undefined ? "otlp" : "file", maxFileBytes: 200_000, maxFiles: 1000, folder: folder ?? "" },
  env: process.env,
  version: "1",
  log: createLog({ level: "debug", format: "text" }),
});
for (let i = 0; i < Number(count); i++) telemetry.root("verb", "query").end();
await telemetry.close();
