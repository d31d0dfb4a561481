import type { Connection, CopyOptions, CsvStream } from "../contract/driver.ts";
import type { ExportSource } from "./export.ts";
import { copyTable, type PartsRequest } from "./parts.ts";

type Spelling = Pick<CopyOptions, "spelling">;

/** A statement whose rows the engine itself can write as CSV. */
interface Copying {
  readonly copyOut?: (how?: Spelling) => Promise<CsvStream>;
  readonly copyWith?: (
    copy: (connection: Connection, signal: AbortSignal) => Promise<CsvStream | undefined>,
  ) => Promise<CsvStream | undefined>;
}

/** The table that the statement reads as a whole, and who helps to read it. */
export interface Whole extends Pick<PartsRequest, "borrow" | "without"> {
  readonly table?: PartsRequest["table"] | undefined;
  /** Absent means 2. */
  readonly jobs?: number | undefined;
  readonly typed?: boolean | undefined;
}

/** The engine's own CSV, of a whole table over several connections where that is possible and worth it. */
export function csvWays({ copyOut, copyWith }: Copying, whole: Whole): Pick<ExportSource, "copyOut" | "typedCsv"> {
  const { table, jobs = 2, borrow, without, typed } = whole;
  if (copyOut === undefined) return {};
  const copied = async (how: Spelling) => {
    if (table === undefined || jobs < 2 || copyWith === undefined) return copyOut(how);
    const parts = await copyWith((first, signal) => copyTable(first, { table, jobs, signal, borrow, without, ...how }));
    return parts ?? copyOut(how);
  };
  return { copyOut: () => copied({}), ...(typed && { typedCsv: () => copied({ spelling: "any" }) }) };
}
