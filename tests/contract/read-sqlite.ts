import type { Column } from "../../core/contract/rows.ts";
import type { Python } from "../support/python.ts";
import type { Found } from "./exporter.ts";

/** The only table of a database, each value with the type it is stored as. */
const reader = `
import base64, json, sqlite3, sys
connection = sqlite3.connect('file:' + sys.argv[1] + '?mode=ro', uri=True)
assert connection.execute('pragma integrity_check').fetchall() == [('ok',)]
table = connection.execute('select name, sql from sqlite_schema').fetchall()
types = [each[0] for each in connection.execute('select type from pragma_table_info(?)', (table[0][0],))]
rows = connection.execute('select * from "' + table[0][0].replace('"', '""') + '" order by rowid')
def kept(value):
    if isinstance(value, bytes): return ['blob', base64.b64encode(value).decode()]
    return [type(value).__name__, None if value is None else repr(value) if isinstance(value, float) else str(value)]
json.dump({'tables': table, 'types': types, 'names': [each[0] for each in rows.description], 'rows': [[kept(value) for value in row] for row in rows]}, sys.stdout)
`;

export interface Database {
  readonly tables: readonly (readonly [name: string, sql: string])[];
  readonly names: readonly string[];
  readonly types: readonly string[];
  readonly rows: readonly (readonly (readonly [kind: string, text: string | null])[])[];
}

export async function readDatabase(path: string, python: Python): Promise<Database> {
  return (await python(reader, path)) as Database;
}

/** The rows of a database as text; a truth is stored as a number. */
export async function readSqlite(path: string, columns: readonly Column[], python: Python): Promise<Found> {
  const { names, types, rows } = await readDatabase(path, python);
  return {
    names,
    rows: rows.map((row) =>
      row.map(([kind, text], index) => {
        if (text === null) return null;
        if (kind === "int" && columns[index]?.type === "boolean" && types[index] === "INTEGER") return text === "1" ? "true" : "false";
        if (kind !== "float") return text;
        const number = Number(text.replace("inf", "Infinity"));
        return Object.is(number, -0) ? "-0" : String(number);
      }),
    ),
  };
}
