import type { Activate } from "../../core/contract/plugin.ts";
import { createPostgresDriver } from "./driver.ts";

const activate: Activate = ({ folder }) => ({ drivers: [createPostgresDriver(folder)] });

export default activate;
