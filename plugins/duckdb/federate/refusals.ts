import type { Diagnosis } from "../../../core/contract/problem.ts";
import { firstWords } from "../sql/text.ts";
import type { Table } from "./tables.ts";

export const noSelect = (sql: string): Diagnosis => {
  const [word] = firstWords(sql);
  if (/\bpivot/i.test(sql))
    return {
      code: "UNSUPPORTED",
      message: "A PIVOT over several connections has to name its values",
      hint: "Write them down: PIVOT … ON column IN ('a', 'b')",
    };
  return {
    code: "POLICY_DENIED",
    message: /^(select|with|from|values)$/.test(word)
      ? "The text holds more than one SELECT"
      : `Cannot run "${word}" over several connections: they are only read, by one SELECT`,
    hint: "Write a SELECT, or send the statement to one connection",
  };
};

export const noSingle = (count: number): Diagnosis => ({
  code: "SQL_INVALID",
  message: count === 0 ? "The text holds no statement" : `The text holds ${count} statements: one is allowed per call`,
  hint: count === 0 ? "Write one SELECT" : "Send each statement in a call of its own",
});

export const noTable = (connections: readonly string[]): Diagnosis => ({
  code: "INPUT_INVALID",
  message: "The statement names no table of a connection",
  hint: `Write tables as connection.table, for example: select * from ${connections[0] ?? "a"}.orders`,
});

export const unplaced = (name: string, tables: readonly Table[]): Diagnosis => ({
  code: "INPUT_INVALID",
  message: `Table "${name}" names no connection`,
  hint: `Write connection.table, for example: ${tables[0]?.connection ?? "a"}.${name}`,
});

export const caseOnly = (column: string, connection: string, table: string): Diagnosis => ({
  code: "UNSUPPORTED",
  message: `Columns of ${connection}.${table} differ from "${column}" in case only, and cannot be told apart here`,
  hint: "Query the connection by itself, or a view that renames one of them",
});

export const noColumns = (connection: string, table: string): Diagnosis => ({
  code: "NOT_FOUND",
  message: `Table "${connection}.${table}" has no columns that can be read`,
  hint: "Name another table",
});

export const outside = (name: string): Diagnosis => ({
  code: "POLICY_DENIED",
  message: `Cannot use "${name}" in a statement over several connections: it reads their tables and nothing else`,
  hint: "Name files and catalogs as connections of their own, or inspect them",
});
