import type { Driver, Statement, Target } from "./driver.ts";
import type { ProblemCode } from "./problem.ts";
import type { LogicalType, Value } from "./rows.ts";

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
 * A case this driver cannot pass (or a whole group of them, by its name), and why. With `fails`, the case is run all the same and must be
 * refused with that code; without, trying it would hang or prove nothing, and it is skipped.
 */
export interface Cannot {
  readonly test: string;
  readonly reason: string;
  readonly fails?: ProblemCode;
}

/** All that `describeDriver` and `tidegate plugin test` need to know of a driver. */
export interface DriverSuite {
  readonly name: string;
  readonly driver: Driver;
  /** An empty database the suite may fill; opened read-only and, to fill it, writable. */
  readonly target: Target;
  /** Where writes go when not to `target`. */
  readonly writableTarget?: Target;
  readonly fixture: DriverFixture;
  /** Puts the suite's tables into `target` where the engine cannot be told to by the suite's own SQL. */
  readonly fill?: () => Promise<void>;
  readonly cannot?: readonly Cannot[];
}

/** The default export of the `driver-suite.ts` (or `.js`) beside a plugin. `folder` is empty, private to the run, and gone after it. */
export type MakeSuite = (given: { readonly driver: Driver; readonly folder: string }) => DriverSuite | Promise<DriverSuite>;
