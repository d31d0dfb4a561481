import type { Activate } from "../../core/contract/plugin.ts";
import { createMysqlDriver } from "./driver.ts";

const activate: Activate = () => ({ drivers: [createMysqlDriver()] });

export default activate;
