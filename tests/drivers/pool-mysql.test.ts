import { createMysqlDriver } from "../../plugins/mysql/driver.ts";
import { mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { describePool, type PoolServer } from "./pool-suite.ts";

const sessions = "information_schema.processlist where user = 'ann'";

async function start(): Promise<PoolServer> {
  const server = await startMariaDb();
  server.run("create database shop; create user ann@'%' identified by 'open-sesame'; grant all on shop.* to ann@'%'");
  server.run("create table shop.mine (n int)");
  return {
    target: (password = "open-sesame") => `mysql://ann:${password}@127.0.0.1:${server.port}/shop`,
    killSessions() {
      const ids = server.run(`select id from ${sessions}`).trim().split("\n").filter(Boolean);
      server.run(ids.map((id) => `kill ${id};`).join(" "));
    },
    crash: server.kill,
    start: server.start,
    stop: server.stop,
    pause() {
      process.kill(server.pid, "SIGSTOP");
      return () => void process.kill(server.pid, "SIGCONT");
    },
    sessions: () => Number(server.run(`select count(*) from ${sessions}`)),
  };
}

describePool({
  name: "MariaDB",
  driver: createMysqlDriver(),
  absence: mariaDbAbsence(),
  start,
  table: ["create table if not exists kept (n int)", "truncate table kept"],
  leftovers: [
    { what: "setting", leave: "set session sql_select_limit = 1", look: "select @@sql_select_limit = 1", clean: 0 },
    { what: "variable", leave: "set @mine = 1", look: "select @mine is null", clean: 1 },
    { what: "lock", leave: "select get_lock('mine', 0)", look: "select is_used_lock('mine') is null", clean: 1 },
    { what: "temporary table", leave: "create temporary table mine as select 2 as n", look: "select count(*) from mine", clean: 0 },
    { what: "database", leave: "use information_schema", look: "select database()", clean: "shop" },
  ],
});
