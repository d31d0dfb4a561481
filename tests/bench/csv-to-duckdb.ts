import { DuckDBInstance } from "@duckdb/node-api";

/** The other half of the pipe `psql COPY | DuckDB`: CSV from standard input to a table of a DuckDB file, in types that are known. */
const [, , path = "", columns = ""] = process.argv;
const instance = await DuckDBInstance.create(path);
const connection = await instance.connect();
const source = `read_csv('/dev/stdin', auto_detect=false, header=false, nullstr='', allow_quoted_nulls=false, columns={${columns}})`;
await connection.run(`create table t as select * from ${source}`);
connection.closeSync();
instance.closeSync();
