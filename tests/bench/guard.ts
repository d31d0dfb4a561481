import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAudit } from "../../core/audit/audit.ts";
import type { RelationRestriction } from "../../core/contract/analysis.ts";
import type { Connection, Driver, Target } from "../../core/contract/driver.ts";
import type { Activate } from "../../core/contract/plugin.ts";
import { createLog } from "../../core/telemetry/log.ts";
import { mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { findPostgres, startPostgres } from "../support/services-postgres.ts";
import { type Figure, median } from "./measure.ts";

const signal = new AbortController().signal;
const tables = 2000;
const columns = Array.from({ length: 20 }, (_, at) => `c${at} int`).join(", ");
const restrictions = (schema?: string): RelationRestriction[] => [
  {
    ...(schema !== undefined && { schema }),
    name: "t7",
    hidden: [],
    masks: [{ column: "c3", form: "redact" }],
    where: ["c1 > 0"],
    values: {},
  },
];
const statement = (n: number): string =>
  `select a.c0, count(*) as n${n}, sum(b.c4) from t7 a join t8 b on b.c0 = a.c0 where a.c3 = ${n} and b.c5 in (1, 2, ${n}) group by a.c0 order by 2 desc limit 10`;

/** What judging a statement adds to a call, on each engine, with 2,000 tables of 20 columns. */
export async function guardFigures(): Promise<Figure[]> {
  return [...(await onDuckdb()), ...(await onSqlite()), ...(await onPostgres()), ...(await onMariaDb()), auditFigure()];
}

async function driverOf(load: () => Promise<{ readonly default: Activate }>): Promise<Driver> {
  const { default: activate } = await load();
  const [driver] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
  if (driver === undefined) throw new Error("The plugin has no driver");
  return driver;
}

async function figures(title: string, driver: Driver, target: Target, schema?: string): Promise<Figure[]> {
  const connection = await driver.connect(target, { signal, readOnly: true });
  const judge = async (sql: string): Promise<number> => {
    const started = performance.now();
    const [{ analysis } = {}] = await connection.analyze(sql, signal);
    if (analysis === undefined || analysis.unresolved !== undefined)
      throw new Error(`${title}: ${analysis?.unresolved?.message ?? "no analysis"}`);
    await connection.render?.(sql, restrictions(schema), signal);
    return performance.now() - started;
  };
  try {
    const first = await judge(statement(5000));
    const fresh: number[] = [];
    for (let n = 0; n < 300; n++) fresh.push(await judge(statement(n)));
    const again: number[] = [];
    for (let n = 0; n < 300; n++) again.push(await judge(statement(299)));
    const snapshot = await snapshotTime(driver, target);
    return [
      {
        what: `${title}: first statement judged, names of ${tables} tables included`,
        measured: `${first.toFixed(0)} ms`,
        goal: "≤ 300 ms",
      },
      { what: `${title}: the same on the next connection`, measured: `${snapshot.toFixed(0)} ms`, goal: "≤ 300 ms" },
      { what: `${title}: a new statement analysed and rendered`, measured: `${median(fresh.slice(50)).toFixed(2)} ms`, goal: "≤ 0.5 ms" },
      { what: `${title}: one seen before`, measured: `${median(again.slice(50)).toFixed(3)} ms`, goal: "≤ 0.1 ms" },
    ];
  } finally {
    await connection[Symbol.asyncDispose]();
  }
}

async function snapshotTime(driver: Driver, target: Target): Promise<number> {
  await using connection: Connection = await driver.connect(target, { signal, readOnly: true });
  const started = performance.now();
  await connection.analyze(statement(9999), signal);
  return performance.now() - started;
}

async function made(driver: Driver, target: Target): Promise<void> {
  await using writer = await driver.connect(target, { signal, readOnly: false });
  for (let at = 0; at < tables; at++) {
    const rows = await writer.query(`create table t${at} (${columns})`, [], { signal, batchSize: 10 });
    for await (const _ of rows);
  }
}

async function inFolder(title: string, load: () => Promise<{ readonly default: Activate }>, schema: string): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-bench-guard-"));
  try {
    const driver = await driverOf(load);
    const target = { scheme: driver.name, location: join(folder, "guard.db"), options: {} };
    await made(driver, { ...target, options: { create: "true" } });
    return await figures(title, driver, target, schema);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const onDuckdb = () => inFolder("DuckDB", () => import("../../plugins/duckdb/plugin.ts"), "main");
const onSqlite = () => inFolder("SQLite", () => import("../../plugins/sqlite/plugin.ts"), "main");

async function onPostgres(): Promise<Figure[]> {
  const bin = findPostgres();
  if (typeof bin !== "string") return [{ what: "PostgreSQL", measured: `not measured: ${bin.absent}`, goal: "" }];
  const server = await startPostgres(bin);
  try {
    const driver = await driverOf(() => import("../../plugins/postgres/plugin.ts"));
    server.psql(`do $$ begin for i in 0..${tables - 1} loop execute format('create table t%s (${columns})', i); end loop; end $$`);
    const location = `127.0.0.1:${server.port}/postgres`;
    const password = { reveal: () => server.password };
    return await figures(
      "PostgreSQL",
      driver,
      { scheme: "postgres", location, options: { sslmode: "disable" }, user: "tidegate", password },
      "public",
    );
  } finally {
    await server.stop();
  }
}

async function onMariaDb(): Promise<Figure[]> {
  const absent = mariaDbAbsence();
  if (absent !== undefined) return [{ what: "MariaDB", measured: `not measured: ${absent}`, goal: "" }];
  const server = await startMariaDb();
  try {
    const driver = await driverOf(() => import("../../plugins/mysql/plugin.ts"));
    const list = Array.from({ length: tables }, (_, at) => `create table t${at} (${columns});`).join("\n");
    server.run(`create database shop; use shop; ${list} create user ann@'%' identified by 'open-sesame'; grant all on shop.* to ann@'%';`);
    const location = `127.0.0.1:${server.port}/shop`;
    return await figures(
      "MariaDB",
      driver,
      { scheme: "mysql", location, options: {}, user: "ann", password: { reveal: () => "open-sesame" } },
      "shop",
    );
  } finally {
    await server.stop();
  }
}

/** One record of a call, as it is appended. */
function auditFigure(): Figure {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-bench-audit-"));
  const log = createLog({ level: "error", format: "text" });
  const audit = createAudit({ folder, keyFolder: folder, version: "0", maxFileBytes: 1e9, keepMillis: 1e12, onFailure: "stop", log });
  const times: number[] = [];
  for (let n = 0; n < 5000; n++) {
    const started = performance.now();
    audit.append({
      type: "call",
      time: new Date().toISOString(),
      trace: "0".repeat(32),
      principal: "ann",
      via: "local",
      action: "query",
      connection: "shop",
      rows: n,
      millis: 1,
      outcome: "ok",
    });
    times.push((performance.now() - started) * 1000);
  }
  audit.close();
  rmSync(folder, { recursive: true, force: true });
  return { what: "an audit record appended", measured: `${median(times).toFixed(1)} µs`, goal: "≤ 50 µs" };
}
