import { DuckDBInstance } from "@duckdb/node-api";

/** The other half of the pipe `psql COPY | DuckDB`: CSV from standard input to a Parquet file, in types that are known. */
const [, , path = "", columns = ""] = process.argv;
const instance = await DuckDBInstance.create(":memory:");
const connection = await instance.connect();
const source = `read_csv('/dev/stdin', auto_detect=false, header=false, nullstr='', allow_quoted_nulls=false, columns={${columns}})`;
await connection.run(`copy (select * from ${source}) to '${path}' (format parquet, compression zstd)`);
connection.closeSync();
instance.closeSync();
