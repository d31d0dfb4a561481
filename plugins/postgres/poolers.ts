import type { Diagnosis } from "../../core/contract/problem.ts";

/** What poolers say for themselves, in place of the server: pgbouncer's words, and those of hosted ones. */
const sayings: readonly (readonly [RegExp, Diagnosis])[] = [
  [
    /^no such database/,
    {
      code: "NOT_FOUND",
      message: "The pooler knows no such database",
      hint: "Add it to the pooler's [databases], or name one that is there",
    },
  ],
  [
    /^(?:no such user|(?:password|SASL|"trust"|certificate|PAM) authentication failed$|not allowed$|unix socket login rejected|login rejected)/,
    { code: "CREDENTIALS_REJECTED", message: "The pooler rejected the login", hint: "Check user and password, and the pooler's auth_file" },
  ],
  [
    /^Tenant or user not found/i,
    {
      code: "CREDENTIALS_REJECTED",
      message: "The pooler knows no such user",
      hint: "Copy the user from the pooler's own connection text: it names the project too",
    },
  ],
  [
    /^(?:no more connections allowed|max ?clients?)/i,
    {
      code: "CONNECTION_FAILED",
      message: "The pooler has no room for another client",
      hint: "Wait, close others, or raise its max_client_conn",
      retryable: true,
    },
  ],
  [
    /query_wait_timeout/,
    {
      code: "CONNECTION_FAILED",
      message: "The pooler had no session free in time",
      hint: "Wait, or raise its default_pool_size",
      retryable: true,
    },
  ],
  [/^query[_ ]timeout/, { code: "TIMEOUT", message: "The statement ran longer than the pooler's query_timeout", hint: "Narrow the query" }],
  [
    /^idle[_ ]transaction[_ ]timeout/,
    { code: "TIMEOUT", message: "The transaction was idle for too long and the pooler ended it", hint: "Run it again" },
  ],
  [
    /server login (?:has been failing|failed)|server_login_retry|server down|server conn crashed|server connection closed|server DNS lookup failed|connect failed|cannot connect to server/,
    {
      code: "CONNECTION_FAILED",
      message: "The pooler cannot reach its PostgreSQL server",
      hint: "Check that the server runs, and the pooler's own host, port and password for it",
      retryable: true,
    },
  ],
  [
    /^(?:database .* is (?:disabled|paused)|database does not allow connections|(?:the )?(?:pooler|pgbouncer|bouncer) is (?:shut|shutting|paused))/i,
    { code: "CONNECTION_FAILED", message: "The pooler serves nobody at the moment", hint: "Try again when it is resumed", retryable: true },
  ],
];

/** Reads a pooler's own error; a server's errors of that class say "protocol violation", and never these words. */
export function ofPooler({ code, message }: { readonly code: string; readonly message: string }): Diagnosis | undefined {
  if (!/^(?:08P01|XX000|53300)$/.test(code)) return undefined;
  return sayings.find(([words]) => words.test(message))?.[1];
}
