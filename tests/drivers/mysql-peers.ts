import mysql from "mysql2/promise";
import type { Connection, Driver } from "../../core/contract/driver.ts";
import activate from "../../plugins/mysql/plugin.ts";
import { never, rejection } from "../contract/driver/bench.ts";
import { mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { mysqlTarget, prepareServer } from "./mysql-suite.ts";

const [driver] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];

/** A server that runs, with an empty database, and the driver to reach it. */
export interface Peer {
  readonly port: number;
  readonly driver: Driver;
  open(readOnly: boolean, database?: string): Promise<Connection>;
  /** Runs one statement as the suite's user over a client that lets everything through. */
  run(sql: string): Promise<void>;
  diagnosis(failing: Promise<unknown>): Promise<NonNullable<ReturnType<Driver["diagnose"]>>>;
  stop(): Promise<void>;
}

/** A server some tests run against: our own MariaDB, and a MySQL where `TIDEGATE_TEST_MYSQL_PORT` names one. */
export interface PeerKind {
  readonly name: string;
  /** Why there is none. */
  readonly absence: string | undefined;
  start(database: string): Promise<Peer>;
}

const mysqlPort = Number(process.env.TIDEGATE_TEST_MYSQL_PORT ?? "0");

export const peers: readonly PeerKind[] = [
  {
    name: "MariaDB",
    absence: mariaDbAbsence(),
    async start(database) {
      const server = await startMariaDb();
      prepareServer(server, database);
      return peer(server.port, database, () => server.stop());
    },
  },
  {
    name: "MySQL",
    absence: mysqlPort === 0 ? "TIDEGATE_TEST_MYSQL_PORT names no MySQL 8 or 9" : undefined,
    async start(database) {
      const setup = peer(mysqlPort, "", async () => undefined);
      await setup.run(`drop database if exists ${database}`);
      await setup.run(`create database ${database}`);
      return peer(mysqlPort, database, () => setup.run(`drop database ${database}`));
    },
  },
];

function peer(port: number, ownDatabase: string, stop: () => Promise<void>): Peer {
  if (driver === undefined) throw new Error("The plugin has no driver");
  return {
    port,
    driver,
    stop,
    open: (readOnly, database = ownDatabase) => driver.connect(mysqlTarget({ port }, database), { signal: never, readOnly }),
    async run(sql) {
      const { user, password } = mysqlTarget({ port }, ownDatabase);
      const secret = password?.reveal() ?? "";
      const client = await mysql.createConnection({ host: "127.0.0.1", port, user: user ?? "", password: secret, database: ownDatabase });
      await client.query(sql).finally(() => client.end());
    },
    async diagnosis(failing) {
      const error = await rejection(failing);
      const found = driver.diagnose(error);
      if (found === undefined) throw error;
      return found;
    },
  };
}
