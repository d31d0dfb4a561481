import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DuckDBInstance } from "@duckdb/node-api";
import { type Bench, mariaDbFigures, postgresFigures, sqliteFigures } from "./bulk.ts";
import { formatFigures } from "./formats.ts";
import { guardFigures } from "./guard.ts";
import { type Figure, median, openSession, peakOf, runProcess } from "./measure.ts";
import { roleDecision } from "./policy.ts";
import { resultFigures } from "./results.ts";

/** Prints every figure of docs/benchmarks.md as a Markdown table: `npm run bench`, or `npm run bench -- bulk` `-- formats`, `-- results` or `-- guard` for one part. */
const root = resolve(import.meta.dirname, "../..");
const binary = process.env.BENCH_BINARY ?? join(root, "dist/bin/tidegate");
const folder = mkdtempSync(join(tmpdir(), "tidegate-bench-"));
const env = { PATH: process.env.PATH ?? "", HOME: folder };
const rows = Number(process.env.BENCH_ROWS ?? 1_000_000);
const shop = join(folder, "bench.db");
const lake = join(folder, "bench.duckdb");

async function prepare(): Promise<void> {
  const db = new DatabaseSync(shop);
  db.exec(`create table t(id integer primary key, customer integer, amt real, name text, ts text, price numeric, ok integer);
    insert into t with recursive c(x) as (select 1 union all select x+1 from c where x<${rows})
    select x, x%5000, x*1.25, 'customer name '||x, '2024-01-01 00:00:00', x/100.0, x%2 from c`);
  db.close();
  const instance = await DuckDBInstance.create(lake);
  const connection = await instance.connect();
  await connection.run(`create table t as select i as id, i%5000 as customer, i*1.25::double as amt, 'customer name '||i as name,
    timestamp '2024-01-01' + interval (i) second as ts, (i/100)::decimal(14,2) as price, i%2=0 as ok from range(${rows * 5}) r(i)`);
  connection.closeSync();
  instance.closeSync();
}

async function startUp(): Promise<Figure[]> {
  const version = await repeat(20, async () => (await runProcess([binary, "--version"], env)).seconds * 1000);
  const floor = await repeat(20, async () => (await runProcess(["/bin/true"], env)).seconds * 1000);
  const serve = [binary, "serve", "--connection", `shop=${shop}`];
  const memory: number[] = [];
  const initialize = await repeat(20, async () => {
    const started = performance.now();
    const session = openSession(serve, env);
    await session.initialize();
    const millis = performance.now() - started;
    memory.push(peakOf(session.pid));
    await session.close();
    return millis;
  });
  return [
    {
      what: "`--version`, cold start",
      measured: `${version.toFixed(1)} ms`,
      goal: "≤ 10 ms",
      baseline: `/bin/true ${floor.toFixed(1)} ms`,
    },
    {
      what: "spawn → `initialize` answered",
      measured: `${initialize.toFixed(1)} ms`,
      goal: "≤ 60 ms",
      baseline: `--version ${version.toFixed(1)} ms`,
    },
    { what: "memory of `serve` after initialize", measured: `${median(memory).toFixed(0)} MiB`, goal: "≤ 60 MiB" },
  ];
}

async function callOverhead(engine: string, target: string, bareCall: () => Promise<unknown>): Promise<Figure> {
  const session = openSession([binary, "serve", "--connection", `main=${target}`], env);
  await session.initialize();
  await sequence(500, () => session.query("select 1"));
  const call = await repeat(2000, () => timed(() => session.query("select 1")));
  await session.close();
  await sequence(500, bareCall);
  const bare = await repeat(2000, () => timed(bareCall));
  return {
    what: `\`select 1\` over stdio on ${engine}, above the bare driver`,
    measured: `${(call - bare).toFixed(3)} ms`,
    goal: "≤ 0.3 ms",
    baseline: `driver ${bare.toFixed(3)} ms, call ${call.toFixed(3)} ms`,
  };
}

/** An idle virtual machine takes longer to wake a process than a call takes; one core kept awake, at the lowest priority, leaves the call. */
function stayAwake(): () => void {
  const child = spawn("nice", ["-n", "19", "sh", "-c", "while :; do :; done"], { stdio: "ignore" });
  return () => child.kill();
}

async function callOverheads(): Promise<Figure[]> {
  const sleep = stayAwake();
  try {
    return await callsOnEachEngine();
  } finally {
    sleep();
  }
}

async function callsOnEachEngine(): Promise<Figure[]> {
  const db = new DatabaseSync(shop, { readOnly: true });
  const sqlite = await callOverhead("SQLite", shop, async () => db.prepare("select 1").all());
  db.close();
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const duckdb = await callOverhead("DuckDB", ":memory:", async () => (await connection.runAndReadAll("select 1")).getRows());
  connection.closeSync();
  instance.closeSync();
  return [sqlite, duckdb];
}

async function exports(): Promise<Figure[]> {
  const to = (name: string) => join(folder, name);
  const best = async (command: (n: number) => readonly string[]) =>
    median(await Promise.resolve(sequence(3, async (n) => (await runProcess(command(n), env)).seconds)));
  const parquet = await best((n) => [binary, "export", lake, "select * from t", "--to", to(`a${n}.parquet`), "--quiet"]);
  const own = median(await sequence(3, (n) => duckdbCopy(to(`own${n}.parquet`))));
  return [
    {
      what: `DuckDB → Parquet, ${rows * 5} rows, whole process`,
      measured: `${parquet.toFixed(2)} s`,
      goal: "≤ 1.15×",
      baseline: `DuckDB COPY ${own.toFixed(2)} s: ${(parquet / own).toFixed(2)}×`,
    },
  ];
}

/** The same work without tidegate: open, COPY, close, in a process that is already warm. */
async function duckdbCopy(path: string): Promise<number> {
  return (
    (await timed(async () => {
      const instance = await DuckDBInstance.create(lake, { access_mode: "READ_ONLY" });
      const connection = await instance.connect();
      await connection.run(`copy (select * from t) to '${path}' (format parquet, compression zstd)`);
      connection.closeSync();
      instance.closeSync();
    })) / 1000
  );
}

async function streaming(): Promise<Figure> {
  const { seconds, peakMiB } = await runProcess(
    [binary, "query", ":memory:", "select * from range(50000000)", "--format", "csv"],
    env,
    true,
  );
  return {
    what: "50 M rows streamed as CSV: peak memory",
    measured: `${peakMiB.toFixed(0)} MiB`,
    goal: "≤ 150 MiB",
    baseline: `${(50 / seconds).toFixed(1)} M rows/s`,
  };
}

async function firstDuckdb(): Promise<Figure> {
  const cold = (await runProcess([binary, "query", ":memory:", "select 1"], { ...env, TIDEGATE_CACHE_DIR: join(folder, "cache") })).seconds;
  const warm = await repeat(
    10,
    async () =>
      (await runProcess([binary, "query", ":memory:", "select 1"], { ...env, TIDEGATE_CACHE_DIR: join(folder, "cache") })).seconds * 1000,
  );
  return {
    what: "first DuckDB use ever, then every later one",
    measured: `${cold.toFixed(2)} s, then ${warm.toFixed(0)} ms`,
    goal: "≤ 1 s, then ≤ 50 ms",
  };
}

async function sequence<Result>(times: number, work: (n: number) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let n = 0; n < times; n++) results.push(await work(n));
  return results;
}

async function repeat(times: number, work: () => Promise<number>): Promise<number> {
  return median(await sequence(times, work));
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Figures of exports, written to memory where there is a disk of it, so that no disk is measured. */
async function written(figures: (bench: Bench) => Promise<Figure[]>): Promise<Figure[]> {
  const fast = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "tidegate-bench-"));
  try {
    return await figures({ binary, folder: fast, env: { ...env, TIDEGATE_PLUGIN_REGISTRY: join(root, "dist/plugins") }, rows });
  } finally {
    rmSync(fast, { recursive: true, force: true });
  }
}

/** Exports against the engines' own tools. */
async function bulk(bench: Bench): Promise<Figure[]> {
  return [
    ...(await postgresFigures({ ...bench, rows: rows * 5 })),
    ...(await mariaDbFigures({ ...bench, rows: rows * 2 })),
    ...(await sqliteFigures({ ...bench, rows: rows * 2 })),
  ];
}

async function everythingElse(): Promise<Figure[]> {
  await prepare();
  return [...(await startUp()), roleDecision(), ...(await callOverheads()), await firstDuckdb(), ...(await exports()), await streaming()];
}

/** What the command line asks for: one part, or all of it. */
async function chosen(part: string | undefined): Promise<Figure[]> {
  const formats = part === undefined || part === "formats" ? await written((bench) => formatFigures({ ...bench, rows: rows * 5 })) : [];
  const exports = part === undefined || part === "bulk" ? await written(bulk) : [];
  const results = part === undefined || part === "results" ? await written(resultFigures) : [];
  const guard = part === undefined || part === "guard" ? await guardFigures() : [];
  return [...(part === undefined ? await everythingElse() : []), ...exports, ...formats, ...results, ...guard];
}

try {
  const figures = await chosen(process.argv[2]);
  console.log("| what | measured | goal | baseline in the same run |\n|---|---|---|---|");
  for (const { what, measured, goal, baseline = "" } of figures) console.log(`| ${what} | ${measured} | ${goal} | ${baseline} |`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
