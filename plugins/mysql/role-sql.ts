import type { RoleRequest } from "../../core/contract/driver.ts";

const quoted = (name: string): string => `\`${name.replaceAll("`", "``")}\``;

/** The statements that make an account which can read and do nothing else, for an administrator. */
export function roleSql({ role, tables, whole }: RoleRequest): string {
  const account = `'${role}'@'%'`;
  const databases = [...new Set(tables.flatMap(({ schema }) => (schema === undefined ? [] : [schema])))].sort();
  const granted = tables.map(({ schema, name, columns }) => {
    const some = columns === undefined ? "" : ` (${columns.map(quoted).join(", ")})`;
    return `grant select${some} on ${schema === undefined ? "" : `${quoted(schema)}.`}${quoted(name)} to ${account};`;
  });
  return `-- Run by an administrator. Put a password of your own in, and the host tidegate runs on in place of %.
create user ${account} identified by '<password>' with max_user_connections 20;
-- No FILE, PROCESS, EXECUTE, CREATE TEMPORARY TABLES or LOCK TABLES: an account has none of them unless they are granted.
${whole ? databases.map((database) => `grant select, show view on ${quoted(database)}.* to ${account};`).join("\n") : granted.join("\n")}
`;
}
