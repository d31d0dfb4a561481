import type { CatalogColumn, CatalogObject } from "../../../contract/catalog.ts";
import type { Cannot, DriverFixture, MakeSuite } from "../../../contract/driver-suite.ts";
import type { Value } from "../../../contract/rows.ts";
import { addTable } from "./store.ts";

/**
 * What `tidegate plugin test` needs to know of this engine. Everything else in the suite is portable SQL: once the
 * driver can write, remove `fill`, give `target` an empty database, and the suite makes its tables itself.
 */
const makeSuite: MakeSuite = ({ driver }) => ({
  name: "mydb",
  driver,
  target: { scheme: "mydb", location: "sample", options: {} },
  fixture,
  fill,
  cannot,
});

export default makeSuite;

const fixture: DriverFixture = {
  // One of each type the engine has, at its extremes: largest and smallest integers, NaN, -0, years BC, empty text.
  values: [
    { type: "bigint", declared: "bigint", literal: "9223372036854775807", expected: 9223372036854775807n },
    { type: "float", declared: "float", literal: "-0", expected: -0 },
    { type: "text", declared: "text", literal: "'é😀'", expected: "é😀" },
    { type: "bytes", declared: "bytes", literal: "x'00ff'", expected: new Uint8Array([0, 255]) },
  ],
  parameters: [
    { declared: "integer", value: 2, expected: 2 },
    { declared: "bigint", value: -9223372036854775808n, expected: -9223372036854775808n },
    { declared: "text", value: 'it\'s "so"\n\\', expected: 'it\'s "so"\n\\' },
  ],
  placeholder: () => "?",
  named: (name) => `:${name}`,
  oddNames: { table: 'odd "name"; --', blank: " " },
  manyRows: (count) => `select number, text from numbers limit ${count}`,
  endless: "select number from silence",
  failsHalfway: "select number from numbers",
  writeAttempts: ["truncate table item", "begin", "pragma user_version = 7", "merge into item"],
  statements: [{ sql: "select 1", kind: "read" }],
  unreachable: [{ target: { scheme: "mydb", location: "nowhere", options: {} }, code: "NOT_FOUND" }],
};

/** Each goes away when the driver can do it: by the name of a case, or of a whole group. With `fails`, the refusal is tested. */
const cannot: readonly Cannot[] = [
  ...because("the store can only be read", "UNSUPPORTED", [
    "counts the rows a write changed",
    "refuses a second statement and runs neither",
    "runs statements that return no rows",
    "says so when it is not read-only, and leaves nothing behind",
    "writes on a connection that is opened for it",
    "does not start a statement for a caller who has left",
    "sees a table that was made after it connected",
    "tells broken constraints from broken SQL",
  ]),
  ...because("the store cannot measure a plan", "UNSUPPORTED", ["measures a plan by running it"]),
  ...because("the store has neither joins nor lists nor named parameters", "SQL_INVALID", [
    "never names a wrong origin for a column",
    "shows the plan of a statement without running it",
    "tells empty text from NULL",
    "keeps line ends, quotes, blanks and characters beyond the basic plane",
    "binds named parameters, each as often as it occurs",
  ]),
  ...because("not written yet", undefined, [
    "keeps transactions",
    "finds each statement and its kind without running it",
    "refuses a missing and an unknown named parameter by name",
    "reports an error in the middle of the rows",
    "gives foreign keys with the columns they lead to",
    "gives indexes with their columns and whether they are unique",
    "gives the definition of a view",
    "copies out CSV exactly as the exporter would write it",
    "copies out with parameters",
    "copies out a million rows in flat memory and large chunks",
    "stops copying out when the loop is left, and when the caller leaves",
    "writes files its own way",
    "reports an error in the middle of a copy",
  ]),
];

function because(reason: string, fails: Cannot["fails"], tests: readonly string[]): Cannot[] {
  return tests.map((test) => ({ test, reason, ...(fails !== undefined && { fails }) }));
}

/** The tables the suite's own SQL would make. */
async function fill(): Promise<void> {
  const id = column("id integer not null");
  const { table: odd, blank } = fixture.oddNames ?? { table: "odd", blank: "blank" };
  const named = (name: string, type: CatalogColumn["type"]): CatalogColumn => ({ name, type, nativeType: type, nullable: true });
  add(
    "maker",
    "table",
    [id, column("name varchar(40) not null")],
    [
      [1, "Ada"],
      [2, "Grace"],
    ],
    ["id"],
  );
  add(
    "item",
    "table",
    [id, column("maker_id integer"), { ...column("name varchar(40) not null"), default: "'none'" }, column("price decimal(10,2)")],
    [
      [1, 1, "pen", "1.50"],
      [2, 2, "desk", "250.00"],
      [3, null, "lamp", null],
    ],
    ["id"],
  );
  add("link", "table", [column("a integer not null"), column("b integer not null")], [], ["b", "a"]);
  add("cheap", "view", [id, column("name varchar(40)")], [[1, "pen"]]);
  add("vacant", "table", [column("id integer"), column("label varchar(10)")], []);
  add(
    "field",
    "table",
    [column("id integer"), column("label varchar(100)")],
    [
      [1, "plain"],
      [2, ""],
      [3, null],
    ],
  );
  add(odd, "table", [named(odd, "int"), named("select", "text"), named(blank, "int")], [[7, "x", null]]);
  for (const [index, { declared, expected }] of fixture.values.entries()) {
    add(`value_${index}`, "table", [column(`cell ${declared}`)], [[expected], [null]]);
  }
}

function add(
  name: string,
  kind: CatalogObject["kind"],
  columns: readonly CatalogColumn[],
  rows: readonly Value[][],
  primaryKey?: string[],
): void {
  addTable({ about: { name, kind, columns, ...(primaryKey && { primaryKey }) }, rows });
}

/** Reads `name type [not null]`. */
function column(text: string): CatalogColumn {
  const [name = "", nativeType = ""] = text.split(" ");
  const logical = { integer: "int", bigint: "bigint", float: "float", bytes: "bytes" } as const;
  const type = nativeType.startsWith("decimal") ? "decimal" : (logical[nativeType as keyof typeof logical] ?? "text");
  return { name, type, nativeType, nullable: !text.endsWith("not null") };
}
