import type { ColumnPlace } from "../../../core/contract/analysis.ts";
import { aloneOnly, trustedFunctions } from "./functions.ts";
import { resolveQuery } from "./query.ts";
import { type Reading, reachNamed, type Scope, starred } from "./scope.ts";
import type { Call, Expression } from "./tree.ts";

/** Settings that tell of the session and the server's version, and of nothing else. */
const harmlessSettings =
  /^(?:version|version_comment|protocol_version|sql_mode|time_zone|system_time_zone|timestamp|lower_case_table_names|autocommit|tx_isolation|transaction_isolation|(?:character_set|collation)_\w+|max_allowed_packet|max_statement_time|max_execution_time|wait_timeout|interactive_timeout|net_\w+_timeout|auto_increment_\w+|default_week_format|div_precision_increment|group_concat_max_len|lc_time_names|sql_select_limit|license|tx_read_only|transaction_read_only|session_track_schema|init_connect|query_cache_\w+|performance_schema)$/;

/** Reads one expression: what it reaches and what it calls. @throws Unresolved for names that are not there */
export function resolveExpression(expression: Expression, scope: Scope, reading: Reading, place: ColumnPlace): void {
  switch (expression.kind) {
    case "parts":
      return void resolveAll(expression.parts, scope, reading, expression.place ?? place);
    case "name":
      return void reachNamed(expression.parts, scope, place, reading);
    case "star":
      for (const { outputs } of starred(expression.parts, scope, reading))
        for (const output of outputs) output.reach(place, true, reading.reach);
      return;
    case "call":
      return void resolveCall(expression.call, scope, reading, place);
    case "cast":
      return void reading.fn({ name: expression.type, kind: "cast", trusted: true });
    case "setting":
      if (!harmlessSettings.test(expression.name))
        reading.relation({ schema: "information_schema", name: "system_variables", kind: "catalog", tells: "contents", access: "read" });
      return;
    case "query":
      resolveQuery(expression.query, scope, reading);
  }
}

export function resolveAll(parts: readonly Expression[], scope: Scope, reading: Reading, place: ColumnPlace): void {
  for (const part of parts) resolveExpression(part, scope, reading, place);
}

function resolveCall({ schema, name, plain, parts }: Call, scope: Scope, reading: Reading, place: ColumnPlace): void {
  const trusted = plain && trustedFunctions.has(name) && !reading.snapshot.routines.has(name) && !(aloneOnly.has(name) && parts.length > 0);
  reading.fn({ ...(schema !== undefined && { schema }), name, kind: "function", trusted });
  resolveAll(parts, scope, reading, place);
}
