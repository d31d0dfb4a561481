import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { findPostgres, startPostgres } from "../support/services-postgres.ts";
import { type Bench, duckdbColumns, postgresTable } from "./bulk.ts";
import { type Figure, median, openSession, peakOf, runProcess } from "./measure.ts";

const rounds = 5;
const landed = 1_000_000;
const analysed = 10_000_000;

/** Results that are kept: how fast they land, and what SQL over them costs. */
export async function resultFigures(bench: Bench): Promise<Figure[]> {
  return [...(await landing(bench)), ...(await analysis(bench)), await smallCalls(bench)];
}

async function landing({ binary, folder, env }: Bench): Promise<Figure[]> {
  const bin = findPostgres();
  if (typeof bin !== "string") return [{ what: "PostgreSQL", measured: `not measured: ${bin.absent}`, goal: "" }];
  const server = await startPostgres(bin, { shared_buffers: "1GB", max_wal_size: "8GB" });
  const url = `postgres://tidegate:${server.password}@127.0.0.1:${server.port}/postgres?sslmode=disable`;
  const session = openSession([binary, "serve", "--connection", `main=${url}`], { ...env, TIDEGATE_PLUGINS_AUTO: "true" });
  try {
    for (const sql of postgresTable(landed).split(";")) server.psql(sql);
    await session.initialize();
    const psql = `PGPASSWORD=${server.password} ${join(bin, "psql")} -q -h 127.0.0.1 -p ${server.port} -U tidegate -d postgres`;
    const path = join(folder, "pipe.duckdb");
    const pipe = `${psql} -c "\\copy t to stdout csv" | ${process.execPath} ${join(import.meta.dirname, "csv-to-duckdb.ts")} ${path} "${duckdbColumns}"`;
    const times = { from: [] as number[], query: [] as number[], pipe: [] as number[] };
    const sql = "select * from t";
    for (let round = 0; round < rounds; round++) {
      times.from.push(await timed(() => session.call("analyze", { sql: "select 1 from p limit 1", from: { p: { sql } } })));
      times.query.push(await timed(() => session.query(sql)));
      times.pipe.push((await runProcess(["sh", "-c", pipe], env)).seconds);
      rmSync(path);
    }
    const [from, query, other] = [Math.min(...times.from), Math.min(...times.query), Math.min(...times.pipe)];
    const baseline = `\`psql COPY csv \\| DuckDB read_csv\` ${other.toFixed(2)} s`;
    return [
      {
        what: `PostgreSQL → kept result by \`from\`, ${landed} rows`,
        measured: `${(from / other).toFixed(2)}×: ${from.toFixed(2)} s`,
        goal: "≤ 0.95×",
        baseline,
      },
      {
        what: `PostgreSQL → kept result by \`query\`, ${landed} rows`,
        measured: `${(query / other).toFixed(2)}×: ${query.toFixed(2)} s, peak ${peakOf(session.pid).toFixed(0)} MiB`,
        goal: "",
        baseline,
      },
    ];
  } finally {
    await session.close();
    await server.stop();
  }
}

async function analysis({ binary, folder, env }: Bench): Promise<Figure[]> {
  const state = join(folder, "analysis");
  const source = `select i as id, i % 5000 as customer, i * 1.25::double as amount, 'customer name ' || i % 9000 as name from range(${analysed}) r(i)`;
  const session = openSession([binary, "serve", "--connection", "main=:memory:"], {
    ...env,
    TIDEGATE_STATE_DIR: state,
    TIDEGATE_RESULTS_MAX_TIME: "5m",
    TIDEGATE_TIMEOUT: "10m",
  });
  try {
    await session.initialize();
    await session.query(source);
    const [file = ""] = readdirSync(join(state, "results")).filter((name) => name.endsWith(".duckdb"));
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    await connection.run(`attach '${join(state, "results", file)}' as s (read_only); create view r1 as from s.main.rows`);
    const sql = "select customer, count(*) c, sum(amount) a, count(distinct name) n from r1 group by customer order by a desc limit 20";
    const ours: number[] = [];
    const plain: number[] = [];
    for (let round = 0; round < rounds; round++) {
      ours.push(await timed(() => session.call("analyze", { sql })));
      plain.push(await timed(() => connection.runAndReadAll(sql)));
    }
    connection.closeSync();
    instance.closeSync();
    const [mine, other] = [median(ours), median(plain)];
    return [
      {
        what: `\`analyze\` on ${analysed} kept rows`,
        measured: `${(mine / other).toFixed(2)}×: ${mine.toFixed(2)} s`,
        goal: "≤ 1.10×",
        baseline: `DuckDB on the same file ${other.toFixed(2)} s`,
      },
    ];
  } finally {
    await session.close();
  }
}

/** What keeping costs a call whose result is small. */
async function smallCalls({ binary, folder, env }: Bench): Promise<Figure> {
  const sessions = ["on", "off"].map((mode) =>
    openSession([binary, "serve", "--connection", "main=:memory:"], {
      ...env,
      TIDEGATE_RESULTS_MODE: mode,
      TIDEGATE_STATE_DIR: join(folder, mode),
    }),
  );
  try {
    const times = [[], []] as [number[], number[]];
    for (const session of sessions) await session.initialize();
    for (let round = 0; round < 2500; round++)
      for (const [index, session] of sessions.entries()) {
        const took = await timed(() => session.query("select 1"));
        if (round >= 500) times[index as 0 | 1].push(took * 1000);
      }
    const [on, off] = [median(times[0]), median(times[1])];
    return {
      what: "`select 1` where results are kept, above where they are not",
      measured: `${(on - off).toFixed(3)} ms`,
      goal: "≤ 0.05 ms",
      baseline: `${off.toFixed(3)} ms`,
    };
  } finally {
    for (const session of sessions) await session.close();
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  const answer = await work();
  const failed = JSON.stringify(answer ?? "").slice(0, 2000);
  if (/"isError":true|"error":/.test(failed)) throw new Error(failed);
  return (performance.now() - started) / 1000;
}
