import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { driver } from "../../core/plugin/author/template/driver.ts";
import makeSuite from "../../core/plugin/author/template/driver-suite.ts";
import { describeDriver } from "../contract/driver.ts";

/** What `tidegate plugin new` starts people with must itself do what it claims. */
const folder = mkdtempSync(join(tmpdir(), "tidegate-scaffold-"));
after(() => rmSync(folder, { recursive: true }));

describeDriver(await makeSuite({ driver, folder }));
