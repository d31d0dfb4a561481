import type { Activate } from "../../../contract/plugin.ts";
import { driver } from "./driver.ts";

/** tidegate calls this once and takes what it returns; nothing is registered. `host` has a log and the plugin's own folder. */
const activate: Activate = () => ({ drivers: [driver] });

export default activate;
