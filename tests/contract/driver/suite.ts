import type { Cannot, DriverSuite } from "../../../core/contract/driver-suite.ts";
import type { Diagnosis } from "../../../core/contract/problem.ts";
import { createBench, type DriverCase, fillDatabase } from "./bench.ts";
import { bulk } from "./bulk.ts";
import { cancelling } from "./cancelling.ts";
import { catalog } from "./catalog.ts";
import { errors } from "./errors.ts";
import { parameters } from "./parameters.ts";
import { readOnly } from "./read-only.ts";
import { rows } from "./rows.ts";
import { statements } from "./statements.ts";
import { transactions } from "./transactions.ts";
import { values } from "./values.ts";

/** One case as it applies to one driver. */
export interface PlannedCase {
  readonly group: string;
  readonly name: string;
  /** True when the driver says that it cannot, and running it would prove nothing. */
  readonly skipped: boolean;
  run(): Promise<void>;
}

/** Every case of a suite, in order. Whoever makes a plan fills it before the first case, and disposes it. */
export interface SuitePlan extends AsyncDisposable {
  readonly cases: readonly PlannedCase[];
  fill(): Promise<void>;
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
  "keeps transactions": transactions,
};

export function planSuite(suite: DriverSuite): SuitePlan {
  const cannot = new Map(suite.cannot?.map((entry) => [entry.test, entry]));
  for (const test of cannot.keys()) if (!isKnown(test)) throw unknown(test);
  const bench = createBench(suite);
  const plan = (group: string, { name, run }: DriverCase, exception: Cannot | undefined): PlannedCase => {
    if (exception === undefined) return { group, name, skipped: false, run: () => run(bench) };
    const { reason, fails } = exception;
    if (fails === undefined) return { group, name: `${name} (cannot: ${reason})`, skipped: true, run: () => run(bench) };
    const refused = async () => void (await bench.diagnosed(run(bench), fails));
    return { group, name: `refuses: ${name} (${reason})`, skipped: false, run: refused };
  };
  return {
    cases: Object.entries(groups).flatMap(([group, cases]) =>
      cases.map((entry) => plan(group, entry, cannot.get(entry.name) ?? cannot.get(group))),
    ),
    fill: suite.fill ?? (() => fillDatabase(bench)),
    [Symbol.asyncDispose]: async () => bench.close(),
  };
}

function isKnown(test: string): boolean {
  return Object.hasOwn(groups, test) || Object.values(groups).some((cases) => cases.some(({ name }) => name === test));
}

function unknown(test: string): Error {
  const diagnosis: Diagnosis = {
    code: "INPUT_INVALID",
    message: `No case of the driver suite is called "${test}"`,
    hint: 'Correct it under "cannot" in the driver\'s suite',
  };
  return Object.assign(new Error(diagnosis.message), { diagnosis });
}
