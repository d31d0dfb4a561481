import activate from "../../plugins/libsql/plugin.ts";
import { driverOf } from "../drivers/libsql-suite.ts";
import type { GuardedEngine } from "./harness.ts";
import { sqliteEngine } from "./sqlite-shop.ts";

const driver = driverOf(await activate({ contract: 1, log: () => undefined }));

/** libSQL on the files of SQLite. */
export const libsqlEngine: GuardedEngine = { ...sqliteEngine, name: "libSQL", driver: () => ({ ...driver, claims: () => true }) };
