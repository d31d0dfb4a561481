import type { EncodeOptions } from "../contract/export.ts";
import type { RowStream, Value } from "../contract/rows.ts";
import { cellText, numberText, uniqueNames } from "./cell.ts";
import { textChunks } from "./chunks.ts";
import { columnNote, noteTypes } from "./notes.ts";
import { portableType, type SqlType } from "./sql-types.ts";
import { quotedName, tableName } from "./table-name.ts";

/** Rows and characters of one statement, both well below what any engine takes. */
const mostRows = 500;
const mostCharacters = 2 ** 18;

/**
 * Writes `CREATE TABLE` and `INSERT` statements in standard SQL, as one transaction. What MySQL needs besides
 * stands in comments that only MySQL reads. Text has standard quotes, so nothing in it can end a literal.
 */
export function encode(rows: RowStream, options: EncodeOptions): AsyncIterable<Uint8Array> {
  return textChunks(script(rows, options), options);
}

interface SqlColumn extends SqlType {
  readonly name: string;
  literal(value: Value | undefined): string;
}

async function* script(rows: RowStream, options: EncodeOptions): AsyncGenerator<string> {
  if (rows.columns.length === 0) return;
  noteTypes(rows.columns, instead, options);
  const columns = sqlColumns(rows, options);
  const table = quotedName(tableName(options));
  yield head(table, columns);
  const insert = `INSERT INTO ${table} (${columns.map(({ name }) => name).join(", ")}) VALUES\n`;
  let statement = "";
  let count = 0;
  for await (const batch of rows) {
    for (let row = 0; row < batch.length; row++) {
      statement += `${count === 0 ? insert : ",\n"}(${columns.map(({ literal }, index) => literal(batch.columns[index]?.[row])).join(", ")})`;
      if (++count < mostRows && statement.length < mostCharacters) continue;
      yield `${statement};\n`;
      statement = "";
      count = 0;
    }
  }
  if (count > 0) yield `${statement};\n`;
  yield "COMMIT;\n/*!40101 SET sql_mode = @tidegate_sql_mode */;\n";
}

const instead = {
  timestamptz: "text",
  uuid: "text",
  json: "text",
  interval: "text",
  list: "JSON text",
  bytes: "unhex('…'), which PostgreSQL has not; the format copy is for it",
} as const;

function sqlColumns(rows: RowStream, options: EncodeOptions): SqlColumn[] {
  const names = uniqueNames(rows.columns, (name) => name.toLowerCase());
  return rows.columns.map((column, index): SqlColumn => {
    const type = portableType(column);
    if (type.isText && column.type === "decimal") options.note?.(columnNote(column.name, "text"));
    const quoted = quotedText(() => options.note?.(columnNote(column.name, "U+0000 is U+FFFD")));
    const literal = type.isText ? textLiteral : column.type === "float" ? floatLiteral : typedLiteral;
    return { ...type, name: quotedName(names[index] ?? ""), literal: (value) => literal(value, quoted) };
  });
}

function head(table: string, columns: readonly SqlColumn[]): string {
  const lines = columns.map(({ name, type }) => `  ${name} ${type}`);
  return (
    "/*!40101 SET NAMES utf8mb4, @tidegate_sql_mode = @@sql_mode, sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES' */;\n" +
    `BEGIN;\nCREATE TABLE ${table} (\n${lines.join(",\n")}\n);\n${mysqlTypes(table, columns)}`
  );
}

/** MySQL ends a transaction at each change of a table. A name that would end the comment keeps the type that all engines have. */
function mysqlTypes(table: string, columns: readonly SqlColumn[]): string {
  const changes = columns.flatMap(({ name, mysql }) => (mysql === undefined || /\*\/|\/\*/.test(name) ? [] : [`MODIFY ${name} ${mysql}`]));
  return `${changes.length === 0 ? "" : `/*!40101 ALTER TABLE ${table} ${changes.join(", ")} */;\n`}/*!40101 START TRANSACTION */;\n`;
}

type Quote = (text: string) => string;

/** Quotes text; a U+0000, which PostgreSQL has no place for and others end a statement at, is replaced and told of. */
function quotedText(onNul: () => void): Quote {
  let told = false;
  return (text) => {
    const safe = text.includes("\0") ? text.replaceAll("\0", "\ufffd") : text;
    if (safe !== text && !told) {
      told = true;
      onNul();
    }
    return safe.includes("\r\n") ? withLineEnds(safe) : literalOf(safe);
  };
}

/** The clients of MySQL and SQLite take a CR from before every line feed they read: here none stands there. */
function withLineEnds(text: string): string {
  let between = "~";
  while (text.includes(between)) between += "~";
  return `replace(${literalOf(text.replaceAll("\r\n", `\r${between}\n`))}, '${between}', '')`;
}

function literalOf(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function textLiteral(value: Value | undefined, quoted: Quote): string {
  const text = cellText(value);
  return text === undefined ? "NULL" : quoted(text);
}

function typedLiteral(value: Value | undefined, quoted: Quote): string {
  switch (typeof value) {
    case "boolean":
      return value ? "TRUE" : "FALSE";
    case "bigint":
      return String(value);
    case "number": {
      const text = numberText(value);
      return text === "-0" || !Number.isFinite(value) ? quoted(text) : text;
    }
    case "string":
      return /^-?\d+(\.\d+)?$/.test(value) ? value : quoted(value);
    default:
      return value instanceof Uint8Array ? `unhex('${Buffer.from(value).toString("hex")}')` : textLiteral(value, quoted);
  }
}

/** Has an exponent, or is whole: anything else is a decimal to engines that have such, which may round it. */
function floatLiteral(value: Value | undefined, quoted: Quote): string {
  const text = typedLiteral(value, quoted);
  return typeof value === "number" && /^-?\d+\.\d+$/.test(text) ? `${text}e0` : text;
}
