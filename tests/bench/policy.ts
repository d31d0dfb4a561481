import type { Analysis } from "../../core/contract/analysis.ts";
import type { Principal, QueryRequest } from "../../core/contract/policy.ts";
import { compilePolicy } from "../../core/policy/roles/compile.ts";
import { readPolicy } from "../../core/policy/roles/read.ts";
import { rolesRule } from "../../core/policy/roles/roles-rule.ts";
import { type Figure, median } from "./measure.ts";

const rules = Array.from({ length: 200 }, (_, at) => {
  if (at === 0) return "      - { access: read }";
  if (at % 4 === 1) return `      - { table: "t${at}*", access: none }`;
  if (at % 4 === 2) return `      - { table: "customer*", column: c${at}, mask: redact }`;
  if (at % 4 === 3) return `      - { schema: "s${at}", table: "*", column: "*_email", mask: hash }`;
  return `      - { table: x${at}, where: "a = :principal.region" }`;
});
const columns = ["id", "name", "city", "c2", "c6", "work_email"];

const analysis: Analysis = {
  verb: "select",
  relations: ["customers", "orders"].map((name) => ({ schema: "public", name, kind: "table", access: "read" })),
  columns: columns.map((column) => ({ schema: "public", table: "customers", column, places: ["output"] })),
  functions: [],
  complexity: { relations: 2, joins: 1, depth: 1, recursive: false },
  fingerprint: "0123456789abcdef",
};

/** One decision of the roles rule with 200 rules, over two tables. */
export function roleDecision(): Figure {
  const policy = compilePolicy([readPolicy("policy.yaml", `version: 1\nroles:\n  r:\n    rules:\n${rules.join("\n")}\n`)], {
    connections: [],
    tools: [],
  });
  const now = new Date();
  const rule = rolesRule({ policy: () => policy, columns: () => columns, salt: () => "salt", now: () => now });
  const principal: Principal = { id: "a", roles: ["r"], via: "local" };
  const request: QueryRequest = { principal, connection: "shop", statement: { kind: "read", analysis }, access: "read" };
  for (let at = 0; at < 20_000; at++) rule.judge(request);
  const rounds = 1000;
  const batch = (): number => {
    const started = performance.now();
    for (let at = 0; at < rounds; at++) rule.judge(request);
    return ((performance.now() - started) * 1000) / rounds;
  };
  const micros = median(Array.from({ length: 100 }, batch));
  return { what: "a role decision, 200 rules, two tables", measured: `${micros.toFixed(2)} µs`, goal: "≤ 5 µs" };
}

if (import.meta.main) console.log(roleDecision());
