import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Connection } from "../../core/contract/driver.ts";
import { createDuckdbDriver } from "../../plugins/duckdb/driver.ts";
import { forbiddenFunctions } from "../../plugins/duckdb/sql/tree.ts";
import { answer, never, rejection, rowsOf } from "../contract/driver/bench.ts";

const driver = createDuckdbDriver();
const events = '{"id": 1}\n{"id": 2}\n';

/** Table functions of DuckDB 1.5.5 that only look. One that is not here has not been judged yet. */
const judged = `check_peg_parser duckdb_approx_database_count duckdb_columns duckdb_connection_count duckdb_constraints
  duckdb_coordinate_systems duckdb_databases duckdb_dependencies duckdb_extensions duckdb_external_file_cache duckdb_functions
  duckdb_indexes duckdb_keywords duckdb_log_contexts duckdb_logs duckdb_logs_parsed duckdb_memory duckdb_optimizers
  duckdb_prepared_statements duckdb_profiling_settings duckdb_schemas duckdb_secret_types duckdb_secrets duckdb_sequences
  duckdb_settings duckdb_table_sample duckdb_tables duckdb_temporary_files duckdb_types duckdb_variables duckdb_views
  generate_series glob histogram histogram_values icu_calendar_names json_each json_tree parquet_bloom_probe
  parquet_file_metadata parquet_full_metadata parquet_kv_metadata parquet_metadata parquet_scan parquet_schema
  pg_timezone_names pragma_collations pragma_database_size pragma_metadata_info pragma_platform pragma_show
  pragma_storage_info pragma_table_info pragma_user_agent pragma_version query_table range read_blob read_csv read_csv_auto
  read_duckdb read_json read_json_auto read_json_objects read_json_objects_auto read_ndjson read_ndjson_auto
  read_ndjson_objects read_ndjson_objects_auto read_parquet read_text repeat repeat_row seq_scan sniff_csv sql_auto_complete
  summary test_all_types test_vector_types unnest which_secret`.split(/\s+/);

describe("the gate of duckdb", () => {
  let folder: string;
  let file: string;
  let connection: Connection;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tidegate-duckdb-gate-"));
    file = join(folder, "events.json");
    writeFileSync(file, events);
    writeFileSync(join(folder, "neighbour.csv"), "secret\n42\n");
    connection = await driver.connect({ scheme: "duckdb", location: file, options: {} }, { readOnly: true, signal: never });
  });
  after(async () => {
    await connection[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const refused = async (sql: string, on = connection) => {
    const error = await rejection(rowsOf(on, sql));
    const diagnosis = driver.diagnose(error);
    if (diagnosis === undefined) throw error;
    return diagnosis;
  };

  it("knows every table function of this engine", async () => {
    const { rows } = await answer(connection, "select distinct function_name from duckdb_functions() where function_type like 'table%'");
    const names = rows.map(([name]) => String(name)).sort();
    assert.deepEqual(
      names.filter((name) => !judged.includes(name) && !forbiddenFunctions.has(name)),
      [],
    );
  });

  it("cannot be made to replace a data file", async () => {
    for (const sql of [
      `from enable_profiling(format = 'json', save_location = '${file}')`,
      `select * from "Enable_Profiling" (format = 'json', save_location = '${file}')`,
      `select (select count(*) from system.main.enable_profiling(format = 'json', save_location = '${file}'))`,
      `from query('from enable_profiling(format = ''json'', save_location = ''${file}'')')`,
      `from json_execute_serialized_sql(json_serialize_sql('from enable_profiling(format = ''json'', save_location = ''${file}'')'))`,
      `pragma json_execute_serialized_sql(json_serialize_sql('from enable_profiling(format = ''json'', save_location = ''${file}'')'))`,
      `/* pragma version */ pragma enable_profiling`,
      `pivot (from enable_profiling(format = 'json', save_location = '${file}')) on Success using count(*)`,
      `explain analyze from enable_profiling(format = 'json', save_location = '${file}')`,
      `copy (select 1) to '${file}' (use_tmp_file false)`,
      `explain analyze copy (select 1) to '${file}' (use_tmp_file false)`,
      `explain (analyze, format json) copy (select 1) to '${file}' (use_tmp_file false)`,
      `with x as (select 1) copy (from x) to '${file}' (use_tmp_file false)`,
      `copy (pivot events on id using count(*)) to '${file}' (use_tmp_file false)`,
      `create table t as pivot events on id using count(*)`,
    ]) {
      assert.ok(["POLICY_DENIED", "SQL_INVALID"].includes((await refused(sql)).code), sql);
      await rowsOf(connection, "select 42");
      assert.equal(readFileSync(file, "utf8"), events, sql);
    }
    await rowsOf(connection, `explain analyze /* /* */ copy (select 1) to '${file}' (use_tmp_file false) -- */ */ select 1`).catch(
      driver.diagnose,
    );
    assert.equal(readFileSync(file, "utf8"), events);
  });

  it("reads the named file and no other", async () => {
    assert.deepEqual(await rowsOf(connection, "select id from events order by id"), [[1], [2]]);
    assert.deepEqual(await rowsOf(connection, `select id from read_json('${file}') order by id`), [[1], [2]]);
    const path = join(folder, "neighbour.csv");
    for (const sql of [
      `from '${path}'`,
      `from read_csv('${path}')`,
      `from read_blob('${folder}/../${folder.split("/").at(-1)}/neighbour.csv')`,
      `from glob('${folder}/*')`,
      `from sniff_csv('${path}')`,
      "from read_text('/etc/passwd')",
      "from 'https://localhost:1/x.csv'",
      "from duckdb_secrets()",
      "select getenv('HOME')",
    ]) {
      const { code } = await refused(sql).catch(() => ({ code: "empty" }));
      assert.ok(["POLICY_DENIED", "SQL_INVALID", "UNSUPPORTED", "NOT_FOUND"].includes(code) || sql.includes("secrets"), `${sql}: ${code}`);
    }
  });

  it("says what to do about a PIVOT it cannot see through", async () => {
    const { hint } = await refused("with x as (from events) pivot x on id using count(*)");
    assert.match(hint ?? "", /IN \('a', 'b'\)/);
    assert.deepEqual(await rowsOf(connection, "with x as (from events) pivot x on id in (1, 2) using count(*)"), [[1, 1]]);
    assert.deepEqual(await rowsOf(connection, "pivot events on id using count(*)"), [[1, 1]]);
    assert.deepEqual(await rowsOf(connection, "from (pivot events on id using count(*)) -- at the end"), [[1, 1]]);
    assert.equal((await rowsOf(connection, "explain pivot events on id using count(*)")).length, 1);
    assert.match(
      await connection.explain("pivot events on id using count(*)", [], { signal: never, batchSize: 1, analyze: true }),
      /AGGREGATE/,
    );
    assert.match(
      await connection.explain("pivot events on id using count(*)", [], { signal: never, batchSize: 1, analyze: true }),
      /AGGREGATE|GROUP/,
    );
    assert.equal((await rowsOf(connection, "explain pivot events on id using count(*)")).length, 1);
  });

  it("refuses a text with the character U+0000, behind which the engine would not look", async () => {
    const { code, position } = await refused("select 1\0; drop view events");
    assert.deepEqual([code, position], ["SQL_INVALID", 8]);
  });

  it("takes a name in a text for what it is", async () => {
    assert.deepEqual(await rowsOf(connection, `select '"function_name":"enable_logging"' as query, 'from query(1)'`), [
      ['"function_name":"enable_logging"', "from query(1)"],
    ]);
  });

  it("leaves no session or engine changed, even where writing is allowed", async () => {
    await using writer = await driver.connect({ scheme: "duckdb", location: ":memory:", options: {} }, { readOnly: false, signal: never });
    for (const sql of [
      "begin",
      "set variable x = 1",
      "use system",
      "pragma enable_profiling",
      "call enable_logging()",
      "attach ':memory:' as other",
      "prepare p as select 1",
      "create view v as from enable_logging()",
      "set threads = 1",
    ]) {
      assert.equal((await refused(sql, writer)).code, "POLICY_DENIED", sql);
    }
    await rowsOf(writer, "create table t (note varchar)");
    await rowsOf(writer, "insert into t values ('enable_logging and query')");
    for (const sql of ["checkpoint", "vacuum", "analyze", "create sequence s"]) await rowsOf(writer, sql);
    assert.deepEqual(
      (await writer.analyze("select nextval('s')")).map(({ kind }) => kind),
      ["write"],
    );
    assert.deepEqual(await rowsOf(writer, "select nextval('s')"), [[1]]);
  });

  it("keeps its folder private and removes it at the end", async () => {
    const one = await driver.connect(
      { scheme: "duckdb", location: ":memory:", options: { threads: "1" } },
      { readOnly: true, signal: never },
    );
    const [[path]] = (await rowsOf(one, "select current_setting('temp_directory')")) as [[string]];
    assert.ok(existsSync(path));
    await one[Symbol.asyncDispose]();
    assert.ok(!existsSync(path));
  });

  it("closes the way the engine itself leaves open", async () => {
    // Should the engine close these one day, the gate can be simpler.
    const other = join(folder, "bare");
    mkdirSync(other);
    const path = join(other, "data.json");
    writeFileSync(path, events);
    const instance = await DuckDBInstance.create(":memory:");
    const bare = await instance.connect();
    await bare.run(`set allowed_paths = ['${path}']; set enable_external_access = false; set lock_configuration = true`);
    await bare.run(`from enable_profiling(format = 'json', save_location = '${path}')`);
    await bare.run("select 42");
    bare.closeSync();
    instance.closeSync();
    assert.notEqual(readFileSync(path, "utf8"), events);
  });
});
