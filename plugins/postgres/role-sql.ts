import type { RoleRequest } from "../../core/contract/driver.ts";
import { readSettings } from "./target/settings.ts";

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** The statements that make a role which can read and do nothing else, for a superuser or the owner of the tables. */
export function roleSql({ role: name, target, tables, whole }: RoleRequest): string {
  const role = quoted(name);
  const database = quoted(readSettings(target).database);
  const schemas = [...new Set(tables.map(({ schema = "public" }) => schema))].sort();
  const granted = tables.map(({ schema = "public", name: table, columns }) => {
    const some = columns === undefined ? "" : ` (${columns.map(quoted).join(", ")})`;
    return `grant select${some} on ${quoted(schema)}.${quoted(table)} to ${role};`;
  });
  return `-- Run by a superuser or the owner, in the database ${database}. Then give it a password: \\password ${name}
create role ${role} login nosuperuser nocreatedb nocreaterole noreplication nobypassrls connection limit 20;
alter role ${role} set default_transaction_read_only = on;
alter role ${role} set statement_timeout = '60s';
alter role ${role} set lock_timeout = '5s';
alter role ${role} set idle_in_transaction_session_timeout = '60s';
grant connect on database ${database} to ${role};
-- What everybody may do, this role may do too. These lines are for all who are not granted it by name:
revoke temporary on database ${database} from public;
${schemas.map((schema) => `revoke create on schema ${quoted(schema)} from public;\ngrant usage on schema ${quoted(schema)} to ${role};`).join("\n")}
${
  whole
    ? schemas
        .map(
          (schema) => `grant select on all tables in schema ${quoted(schema)} to ${role};
-- For tables that you make later; tables of others need this line from their owners.
alter default privileges in schema ${quoted(schema)} grant select on tables to ${role};`,
        )
        .join("\n")
    : granted.join("\n")
}
`;
}
