import type { Diagnosis } from "../contract/problem.ts";

/** What is said of something somebody may not see, and of what is not there at all: the same, so that it tells nothing. */
export function notOpen(kind: NonNullable<Diagnosis["missingKind"]>, name: string): Diagnosis {
  const bare = name.replace(/^.*\./s, "").replaceAll('"', "");
  return kind === "column"
    ? { code: "NOT_FOUND", message: `No column "${bare}" is open to you`, hint: "Look at the columns of its table with inspect" }
    : { code: "NOT_FOUND", message: `No table or view "${bare}" is open to you`, hint: "Look at what is with inspect" };
}
