import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { findPostgres, startPostgres } from "../support/services-postgres.ts";
import { type Figure, runProcess } from "./measure.ts";

/** What runs, and where. */
export interface Bench {
  readonly binary: string;
  /** For the files that are written. */
  readonly folder: string;
  readonly env: Record<string, string>;
  readonly rows: number;
}

interface Race {
  readonly what: string;
  readonly goal: number;
  readonly ending: "csv" | "parquet";
  /** Arguments of `export`. */
  readonly ours: readonly string[];
  readonly baseline: { readonly name: string; readonly command: (path: string) => string };
}

const rounds = 5;

/** Both in turn, several times; the least of each counts, because whatever else the machine does only adds. */
async function race({ binary, folder, env }: Bench, { what, goal, ending, ours, baseline }: Race): Promise<Figure> {
  const path = join(folder, `out.${ending}`);
  const command = [binary, "export", ...ours, "--to", path, "--quiet", "--no-meta", "--yes"];
  let [mine, other, peak] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0];
  for (let round = 0; round < rounds; round++) {
    const { seconds, peakMiB } = await runProcess(command, env);
    rmSync(path);
    other = Math.min(other, (await runProcess(["sh", "-c", baseline.command(path)], env)).seconds);
    rmSync(path);
    mine = Math.min(mine, seconds);
    peak = Math.max(peak, peakMiB);
  }
  return {
    what,
    measured: `${(mine / other).toFixed(2)}×: ${mine.toFixed(2)} s, ${peak.toFixed(0)} MiB`,
    goal: `≤ ${goal.toFixed(2)}×`,
    baseline: `${baseline.name} ${other.toFixed(2)} s`,
  };
}

export const postgresTable = (rows: number) => `
  create unlogged table t as select i::bigint as id, (i % 5000)::int as customer, i * 1.25::float8 as amount, 'customer name ' || i as name,
    case when i % 7 = 0 then null when i % 7 = 1 then '' else 'a note, number ' || i end as note,
    timestamptz '2024-01-01' + i * interval '1 second' as placed, (i / 100.0)::numeric(14, 2) as price, i % 2 = 0 as even
  from generate_series(1, ${rows}) as i; vacuum analyze t`;
export const duckdbColumns =
  "id: 'BIGINT', customer: 'INTEGER', amount: 'DOUBLE', name: 'VARCHAR', note: 'VARCHAR', placed: 'TIMESTAMPTZ', price: 'DECIMAL(14,2)', even: 'BOOLEAN'";

/** PostgreSQL to CSV and to Parquet, against its own client. */
export async function postgresFigures(bench: Bench): Promise<Figure[]> {
  const bin = findPostgres();
  if (typeof bin !== "string") return [{ what: "PostgreSQL", measured: `not measured: ${bin.absent}`, goal: "" }];
  const server = await startPostgres(bin, { shared_buffers: "1GB", max_wal_size: "8GB" });
  try {
    for (const sql of postgresTable(bench.rows).split(";")) server.psql(sql);
    const url = `postgres://tidegate:${server.password}@127.0.0.1:${server.port}/postgres?sslmode=disable`;
    const psql = `PGPASSWORD=${server.password} ${join(bin, "psql")} -q -h 127.0.0.1 -p ${server.port} -U tidegate -d postgres`;
    const toDuckdb = `${process.execPath} ${join(import.meta.dirname, "csv-to-parquet.ts")}`;
    const copy = { name: "`psql \\copy`", command: (path: string) => `${psql} -c "\\copy t to '${path}' csv header"` };
    const pipe = {
      name: "`psql \\copy \\| DuckDB`",
      command: (path: string) => `${psql} -c "\\copy t to stdout csv" | ${toDuckdb} ${path} "${duckdbColumns}"`,
    };
    const what = `${bench.rows} rows, whole process`;
    return [
      await race(bench, {
        what: `PostgreSQL → CSV, any query, ${what}`,
        goal: 1.05,
        ending: "csv",
        ours: [url, "select * from t"],
        baseline: copy,
      }),
      await race(bench, {
        what: `PostgreSQL → CSV, whole table, ${what}`,
        goal: 0.7,
        ending: "csv",
        ours: [url, "--table", "t"],
        baseline: copy,
      }),
      await race(bench, {
        what: `PostgreSQL → Parquet, any query, ${what}`,
        goal: 1,
        ending: "parquet",
        ours: [url, "select * from t"],
        baseline: pipe,
      }),
      await race(bench, {
        what: `PostgreSQL → Parquet, whole table, ${what}`,
        goal: 1,
        ending: "parquet",
        ours: [url, "--table", "t"],
        baseline: pipe,
      }),
    ];
  } finally {
    await server.stop();
  }
}

/** MariaDB to CSV, against its own client. */
export async function mariaDbFigures(bench: Bench): Promise<Figure[]> {
  const absent = mariaDbAbsence();
  if (absent !== undefined) return [{ what: "MariaDB", measured: `not measured: ${absent}`, goal: "" }];
  const server = await startMariaDb();
  try {
    server.run(
      `create database shop; use shop; create table t (id bigint, customer int, amount double, name varchar(40), note text, placed datetime, price decimal(14,2), even bool) engine=innodb;
      insert into t select seq, seq % 5000, seq * 1.25, concat('customer name ', seq), if(seq % 7 = 0, null, concat('a note, number ', seq)),
        '2024-01-01' + interval seq second, seq / 100, seq % 2 = 0 from shop_seq;`.replace("shop_seq", `seq_1_to_${bench.rows}`),
    );
    server.run("create user ann@'%' identified by 'open-sesame'; grant all on shop.* to ann@'%'");
    const client = `mariadb --no-defaults -h 127.0.0.1 -P ${server.port} -uann -popen-sesame --quick --batch shop -e "select * from t"`;
    return [
      await race(bench, {
        what: `MariaDB → CSV, ${bench.rows} rows, whole process`,
        goal: 0.9,
        ending: "csv",
        ours: [`mysql://ann:open-sesame@127.0.0.1:${server.port}/shop`, "select * from t"],
        baseline: { name: "`mariadb --quick --batch`", command: (path) => `${client} > ${path}` },
      }),
    ];
  } finally {
    await server.stop();
  }
}

/** SQLite to CSV, against its own shell. */
export async function sqliteFigures(bench: Bench): Promise<Figure[]> {
  const database = join(bench.folder, "bulk.db");
  const sql = `create table t (id integer primary key, customer integer, amount real, name text, note text, placed text, price numeric, even integer);
    insert into t with recursive c(i) as (select 1 union all select i + 1 from c where i < ${bench.rows}) select i, i % 5000, i * 1.25, 'customer name ' || i,
      case when i % 7 = 0 then null else 'a note, number ' || i end, '2024-01-01 00:00:00', i / 100.0, i % 2 from c;`;
  writeFileSync(`${database}.sql`, sql);
  execFileSync("sh", ["-c", `sqlite3 ${database} < ${database}.sql`]);
  return [
    await race(bench, {
      what: `SQLite → CSV, ${bench.rows} rows, whole process`,
      goal: 1,
      ending: "csv",
      ours: [database, "select * from t"],
      baseline: { name: "`sqlite3 -csv`", command: (path) => `sqlite3 -csv -header ${database} "select * from t" > ${path}` },
    }),
  ];
}
