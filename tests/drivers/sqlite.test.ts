import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import activate from "../../plugins/sqlite/plugin.ts";
import { describeDriver } from "../contract/driver.ts";
import { inProcess, sqliteSuite } from "./sqlite-suite.ts";

const folder = mkdtempSync(join(tmpdir(), "tidegate-sqlite-"));
after(() => rmSync(folder, { recursive: true }));

const [driver] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
assert.ok(driver);
const suite = sqliteSuite(driver, folder);
describeDriver({ ...suite, cannot: [...suite.cannot, ...inProcess] });
