import type { Activate } from "../../core/contract/plugin.ts";
import { createPostgresDriver } from "./driver.ts";

const activate: Activate = () => ({ drivers: [createPostgresDriver()] });

export default activate;
