import type { RoleRequest } from "../../core/contract/driver.ts";

/** DuckDB has no roles: rights are those of the file. What to do so that tidegate can read it and change nothing. */
export function roleSql({ role, target: { location } }: RoleRequest): string {
  const file = `'${location.replaceAll("'", "'\\''")}'`;
  return `# DuckDB has no roles: rights are those of the file. As root, with tidegate running as a user of its own:
useradd --system --no-create-home ${role}
chgrp ${role} ${file}
chmod u=rw,g=r,o= ${file}
# Nobody can then change it through that user, whatever reaches the engine. Which tables and columns may be read is up to the policy.
`;
}
