import type { RoleRequest } from "../../core/contract/driver.ts";

/** SQLite has no roles: rights are those of the file. What to do so that tidegate can read it and change nothing. */
export function roleSql({ role, target: { location } }: RoleRequest): string {
  const file = `'${location.replaceAll("'", "'\\''")}'`;
  return `# SQLite has no roles: rights are those of the file. As root, with tidegate running as a user of its own:
useradd --system --no-create-home ${role}
chgrp ${role} ${file}
chmod u=rw,g=r,o= ${file}
# In WAL mode readers share two files beside it, which the first of them makes:
chgrp ${role} ${file}-wal ${file}-shm 2>/dev/null; chmod g=r ${file}-wal 2>/dev/null; chmod g=rw ${file}-shm 2>/dev/null
# Nobody can then change it through that user, whatever reaches the engine. Which tables and columns may be read is up to the policy.
`;
}
