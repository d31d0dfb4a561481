import type { Activate } from "../../core/contract/plugin.ts";
import { createSqliteDriver } from "./driver.ts";

const activate: Activate = (host) => ({ drivers: [createSqliteDriver(host)] });

export default activate;
