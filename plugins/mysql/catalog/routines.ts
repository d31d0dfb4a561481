import type { CatalogObject } from "../../../core/contract/catalog.ts";
import { declaredType } from "../values/types.ts";
import type { Row } from "./objects.ts";
import { literal, quoted } from "./queries.ts";

/** A stored procedure or function; with its parameters' rows also how it is called, and with its body the statement that makes it. */
export function routine(row: Row, parameters: readonly Row[] | undefined): CatalogObject {
  const [schema, name, type, comment, , , , body] = row;
  const own = parameters?.filter((parameter) => parameter[2] === type);
  return {
    schema: schema ?? "",
    name: name ?? "",
    kind: "routine",
    ...(comment && { comment }),
    ...(own && { signature: signature(own, (parameter) => (/^[\w$]+$/.test(parameter) ? parameter : quoted(parameter))) }),
    ...(own && body && { definition: definition(row, own) }),
  };
}

/** The row with position 0 is what a function returns. */
function signature(parameters: readonly Row[], named: (name: string) => string): string {
  const taken = parameters
    .filter(([, , , position]) => position !== "0")
    .map(([, , , , mode, name, type]) => {
      const way = mode === "OUT" || mode === "INOUT" ? `${mode.toLowerCase()} ` : "";
      return `${way}${named(name ?? "")} ${declaredType(type ?? "")}`;
    });
  const returned = parameters.find(([, , , position]) => position === "0")?.[6];
  return `(${taken.join(", ")})${returned == null ? "" : ` returns ${declaredType(returned)}`}`;
}

function definition([, name, type, comment, deterministic, access, security, body]: Row, parameters: readonly Row[]): string {
  const traits = [
    ...(deterministic === "YES" ? ["deterministic"] : []),
    ...(access === "CONTAINS SQL" ? [] : [access?.toLowerCase() ?? ""]),
    ...(security === "INVOKER" ? ["sql security invoker"] : []),
    ...(comment ? [`comment ${literal(comment)}`] : []),
  ];
  const head = `create ${type?.toLowerCase()} ${quoted(name ?? "")} ${signature(parameters, quoted)}`;
  return [[head, ...traits].join(" "), body].join("\n");
}
