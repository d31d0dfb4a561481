import type { PolicyRule } from "../contract/policy.ts";

const verbs = {
  write: "changes data",
  schema: "changes the schema",
  session: "changes the session",
  admin: "administers the engine",
  unknown: "cannot be classified",
};

/** Refuses everything but reads unless the gate was opened for this very call and the connection allows it. */
export function readOnlyRule(mayWrite: (connection: string) => boolean): PolicyRule {
  return {
    name: "read-only",
    judge({ statement, access, connection }) {
      if (access === "write") {
        if (statement.kind === "session") {
          return {
            deny: {
              code: "POLICY_DENIED",
              message: "The statement changes the session, which ends with the call",
              hint: "Send the statement that matters alone: it commits by itself",
              rule: "read-only",
            },
          };
        }
        if (mayWrite(connection)) return {};
        return {
          deny: {
            code: "POLICY_DENIED",
            message: `Connection "${connection}" is read-only`,
            hint: `Set connections.${connection}.write to true, if writing is meant`,
            rule: "read-only",
          },
        };
      }
      if (statement.kind === "read") return { readOnly: true };
      return {
        deny: {
          code: "POLICY_DENIED",
          message: `The gate is closed: the statement ${verbs[statement.kind]} and only reads are let through`,
          hint: "Write a SELECT; a person can open the gate for one call with: tidegate query <target> --write",
          rule: "read-only",
        },
      };
    },
  };
}
