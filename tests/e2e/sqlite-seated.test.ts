import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { isolated } from "../../core/connection/isolate.ts";
import activate from "../../plugins/sqlite/plugin.ts";
import { describeDriver } from "../contract/driver.ts";
import { sqliteSuite } from "../drivers/sqlite-suite.ts";
import { binary } from "../support/binary.ts";

/** The same driver as users get it: each connection in a process of its own, where even a blocked engine stops. */
const folder = mkdtempSync(join(tmpdir(), "tidegate-seated-"));
after(() => rmSync(folder, { recursive: true }));

const [driver] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
assert.ok(driver);
const suite = sqliteSuite(isolated(driver, { plugin: "sqlite", driver: "sqlite" }, [binary, "__seat"]), folder);
describeDriver({ ...suite, name: "sqlite in a process of its own" });
