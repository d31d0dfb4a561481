import type { InspectInput, InspectPage } from "../contract/tool.ts";
import { asProblem } from "../problem.ts";
import type { Profile } from "../results/profile.ts";
import type { Results } from "../results/results.ts";
import { openCaged } from "./caged.ts";
import type { Caller } from "./run.ts";

/** What each column of a caller's stored result holds. @throws NOT_FOUND, RESULT_EXPIRED */
export async function profiled(results: Results, name: string, caller: Caller, maxMillis?: number): Promise<Profile> {
  const stored = await results.find(caller.principal, name);
  const { profile } = await import("../results/profile.ts");
  caller.note?.({ connection: "results", access: "read" });
  // Its statements are ours and not the caller's: the record of the call leaves them out.
  const { principal, signal, span } = caller;
  return profile(stored, (sql) => openCaged(results, { sql, maxMillis }, { principal, signal, span }));
}

/** What a connection's own object is comes first; where none has the name, and a stored result of the caller has, that is profiled. */
export async function inspectedOrStored(
  results: Results,
  { object = "", kind }: InspectInput,
  caller: Caller,
  ways: { readonly own: () => Promise<InspectPage>; readonly page: (text: string) => InspectPage; readonly maxMillis?: number },
): Promise<InspectPage> {
  if (!/^r\d+$/i.test(object) || kind !== undefined) return ways.own();
  try {
    return await ways.own();
  } catch (error) {
    caller.signal.throwIfAborted();
    const missing = await results.find(caller.principal, object).then(() => undefined, asProblem);
    if (missing !== undefined) throw missing.code === "RESULT_EXPIRED" ? missing : error;
    const { profileText } = await import("../results/profile-text.ts");
    return ways.page(await profileText(await profiled(results, object, caller, ways.maxMillis)));
  }
}
