import type { Permissions } from "../policy/roles/compile.ts";
import type { RoleEntry } from "../policy/roles/schema.ts";

/** Whether a person has to agree to a write: `required`, where one can be asked (`possible`), or `never`. */
export type Confirm = NonNullable<RoleEntry["confirm"]>;

/** The strictest that any of somebody's roles says, and `possible` where none says anything. */
export function confirmOf(entries: Permissions["entries"]): Confirm {
  const said = entries.map(({ entry }) => entry.confirm);
  return (["required", "possible", "never"] as const).find((confirm) => said.includes(confirm)) ?? "possible";
}
