import type { Principal } from "../contract/policy.ts";
import type { Permissions, RolePolicy } from "../policy/roles/compile.ts";
import { createRule } from "../policy/roles/rule.ts";
import type { RoleEntry } from "../policy/roles/schema.ts";

const changes = ["insert", "update", "delete", "ddl", "admin"] as const;

/** Tells whether somebody's roles grant some change on a connection. Without a policy nothing is granted. */
export function createWriteGrants(policy: () => RolePolicy | undefined): (principal: Principal, connection: string) => boolean {
  const known = new WeakMap<Permissions, Map<string, boolean>>();
  return (principal, connection) => {
    const current = policy();
    if (current === undefined) return false;
    const permissions = current.permissions(principal);
    const found = known.get(permissions) ?? new Map<string, boolean>();
    known.set(permissions, found);
    const grants = found.get(connection) ?? grantsChange(current, permissions, connection);
    found.set(connection, grants);
    return grants;
  };
}

function grantsChange({ rules }: RolePolicy, { roles, grants }: Permissions, connection: string): boolean {
  const granted = rules
    .filter(({ role }) => roles.includes(role))
    .map(({ entry }) => createRule("", entry))
    .filter((rule) => rule.coversConnection(connection))
    .flatMap((rule) => [...rule.grants]);
  const whole = grants.table({ connection });
  return changes.some((verb) => granted.includes(verb) && whole.refusedBy(verb) === undefined);
}

/** Whether a person has to agree to a write: `required`, where one can be asked (`possible`), or `never`. */
export type Confirm = NonNullable<RoleEntry["confirm"]>;

/** The strictest that any of somebody's roles says, and `possible` where none says anything. */
export function confirmOf(entries: Permissions["entries"]): Confirm {
  const said = entries.map(({ entry }) => entry.confirm);
  return (["required", "possible", "never"] as const).find((confirm) => said.includes(confirm)) ?? "possible";
}
