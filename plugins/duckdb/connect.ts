import type { Connection, ConnectOptions, Target } from "../../core/contract/driver.ts";
import { createConnection } from "./connection.ts";
import { createDatabase, type Database } from "./engine/database.ts";
import { startEngine } from "./engine/instance.ts";
import { placeOf, type Source, sourceOf } from "./engine/source.ts";

/** Opens a connection; those to one place share an engine, kept in `databases` while anyone uses it. */
export async function connect(target: Target, { readOnly, signal }: ConnectOptions, databases: Map<string, Database>): Promise<Connection> {
  const database =
    databases.get(placeOf(target)) ?? databases.get(placeWithOptions(target)) ?? add(sourceOf(target, readOnly), target, databases);
  return createConnection(await database.join(readOnly, signal), readOnly);
}

/** A database file has one engine whatever the options say; the first to open it sets them. */
function add(source: Source, target: Target, databases: Map<string, Database>): Database {
  const key = source.kind === "database" ? source.path : placeWithOptions(target);
  const database = createDatabase({
    start: (writable) => startEngine(source, writable),
    lockable: source.kind === "database",
    gone: () => {
      if (databases.get(key) === database) databases.delete(key);
    },
  });
  databases.set(key, database);
  return database;
}

function placeWithOptions(target: Target): string {
  return JSON.stringify([placeOf(target), Object.entries(target.options).sort(([a], [b]) => (a < b ? -1 : 1))]);
}
