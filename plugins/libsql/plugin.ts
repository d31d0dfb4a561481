import type { Activate } from "../../core/contract/plugin.ts";
import { createLibsqlDriver } from "./driver.ts";

const activate: Activate = (host) => ({ drivers: [createLibsqlDriver(host.folder)] });

export default activate;
