import { Problem, problem } from "../problem.ts";

/** What was being written, and the variable that names another folder for it, if one does. */
export interface Writing {
  /** `Cannot install into "/data/plugins"` */
  readonly failed: string;
  readonly variable?: string;
}

/** What the system says of a disk, in words that can be acted on; any other error stays what it is. */
export function diskProblem(error: unknown, { failed, variable }: Writing): unknown {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (error instanceof Problem || !/^E[A-Z0-9]+$/.test(code)) return error;
  if (["ENOSPC", "EDQUOT", "EFBIG"].includes(code)) {
    const elsewhere = variable === undefined ? "" : `, or name a folder on another disk in ${variable}`;
    return problem("LIMIT_EXCEEDED", `${failed}: no space is left`, `Free disk space${elsewhere}`, error);
  }
  const why = ["EACCES", "EPERM", "EROFS"].includes(code) ? "permission denied" : `the system says ${code}`;
  const hint = variable === undefined ? "Give yourself the right to write there" : `Name a folder of your own in ${variable}`;
  return problem("FORBIDDEN", `${failed}: ${why}`, hint, error);
}

/** Runs what reads or writes files. @throws LIMIT_EXCEEDED, FORBIDDEN */
export function onDisk<Result>(writing: Writing, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw diskProblem(error, writing);
  }
}
