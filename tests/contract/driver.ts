import { after, before, describe, it } from "node:test";
import type { Driver, Statement, Target } from "../../core/contract/driver.ts";
import type { ProblemCode } from "../../core/contract/problem.ts";
import type { LogicalType, Value } from "../../core/contract/rows.ts";
import { createBench, type DriverCase, fillDatabase } from "./driver/bench.ts";
import { bulk } from "./driver/bulk.ts";
import { cancelling } from "./driver/cancelling.ts";
import { catalog } from "./driver/catalog.ts";
import { errors } from "./driver/errors.ts";
import { parameters } from "./driver/parameters.ts";
import { readOnly } from "./driver/read-only.ts";
import { rows } from "./driver/rows.ts";
import { statements } from "./driver/statements.ts";
import { values } from "./driver/values.ts";

/** The SQL and values that differ from engine to engine. Everything else in the suite is portable SQL. */
export interface DriverFixture {
  /** One stored cell each: how it is declared, the SQL literal written into it, and what must come back. */
  readonly values: readonly { readonly type: LogicalType; readonly declared: string; readonly literal: string; readonly expected: Value }[];
  /** Values bound to a parameter and read back through `cast(<parameter> as <declared>)`. */
  readonly parameters: readonly { readonly declared: string; readonly value: Value; readonly expected: Value }[];
  /** How the engine writes its n-th positional parameter, from 1. */
  placeholder(position: number): string;
  /** How the engine writes a named parameter. */
  named(name: string): string;
  /** A table's and a column's name at the edge of what the engine takes, where it does not take the suite's own. */
  readonly oddNames?: { readonly table: string; readonly blank: string };
  /** What the engine calls an integer and a text inside `cast`, where that is not `integer` and `varchar(200)`. */
  readonly casts?: { readonly integer: string; readonly text: string };
  /** A query of `count` rows: an integer from 1 upwards, then a text of 200 characters. `count` may be 10^12. */
  manyRows(count: number): string;
  /** A query that works for hours before its first row. */
  readonly endless: string;
  /** A query that yields some thousand rows and then fails in the engine. */
  readonly failsHalfway: string;
  /** Ways to change something that only this engine knows; each must be refused on a read-only connection. */
  readonly writeAttempts: readonly string[];
  /** Statements only this engine has, with the kind they are. */
  readonly statements: readonly { readonly sql: string; readonly kind: Statement["kind"] }[];
  /** Targets that cannot be opened, and what each must be diagnosed as. */
  readonly unreachable: readonly { readonly target: Target; readonly code: ProblemCode }[];
}

/**
 * A case this driver cannot pass, and why. With `fails`, the case is run all the same and must be
 * refused with that code; without, trying it would hang or prove nothing, and it is skipped.
 */
export interface Cannot {
  readonly test: string;
  readonly reason: string;
  readonly fails?: ProblemCode;
}

export interface DriverSuite {
  readonly name: string;
  readonly driver: Driver;
  /** An empty database the suite may fill; opened read-only and, to fill it, writable. */
  readonly target: Target;
  /** Where writes go when not to `target`. */
  readonly writableTarget?: Target;
  readonly fixture: DriverFixture;
  readonly cannot?: readonly Cannot[];
}

const groups: Readonly<Record<string, readonly DriverCase[]>> = {
  "reads rows": rows,
  "keeps every value exact": values,
  "binds parameters": parameters,
  "runs one statement": statements,
  "stays read-only": readOnly,
  "stops when asked": cancelling,
  "knows its catalog": catalog,
  "explains what went wrong": errors,
  "moves bulk": bulk,
};

/** Says in about fifty cases what every driver must do; a driver's own test file is a fixture and its quirks. */
export function describeDriver(suite: DriverSuite): void {
  const bench = createBench(suite);
  const cannot = new Map(suite.cannot?.map((entry) => [entry.test, entry]));
  const known = new Set(Object.values(groups).flatMap((cases) => cases.map(({ name }) => name)));
  for (const test of cannot.keys()) if (!known.has(test)) throw new Error(`No case is called "${test}"`);
  describe(`driver ${suite.name}`, () => {
    before(() => fillDatabase(bench));
    after(() => bench.close());
    for (const [group, cases] of Object.entries(groups)) {
      describe(group, () => {
        for (const entry of cases) register(entry, cannot.get(entry.name));
      });
    }
  });

  function register({ name, run }: DriverCase, exception: Cannot | undefined): void {
    if (exception === undefined) it(name, () => run(bench));
    else if (exception.fails === undefined) it.skip(`${name} (cannot: ${exception.reason})`, () => run(bench));
    else it(`refuses: ${name} (${exception.reason})`, async () => void (await bench.diagnosed(run(bench), exception.fails)));
  }
}
