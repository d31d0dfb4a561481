import type { Activate } from "../../core/contract/plugin.ts";
import { createDuckdbDriver } from "./driver.ts";

const activate: Activate = () => ({ drivers: [createDuckdbDriver()] });

export default activate;
