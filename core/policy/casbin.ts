import type { Enforcer } from "casbin";
import { type Problem, problem } from "../problem.ts";

/** Whether Casbin lets somebody do something, and what refused it where it says so. */
export interface CasbinAnswer {
  readonly allowed: boolean;
  readonly refusal?: string;
}

/** `object` is `connection/schema/table`, with `/column` where columns are asked for. */
export type AskCasbin = (subject: string, object: string, verb: string) => CasbinAnswer;

/** A file that was read. */
interface TextFile {
  readonly name: string;
  readonly text: string;
}

/** Makes a Casbin model and policy ready to be asked; Casbin itself is loaded only here. @throws CONFIG_INVALID with the file */
export async function loadCasbin(model: TextFile, policy: TextFile): Promise<AskCasbin> {
  const { FunctionMap, newEnforcer, newModelFromString, StringAdapter } = await import("casbin");
  const made = attempt(model, () => newModelFromString(model.text));
  const enforcer = await newEnforcer(made, new StringAdapter(policy.text.trim() === "" ? "#" : policy.text)).catch((error: unknown) => {
    throw flaw(policy.name, String((error as Error).message), error);
  });
  checkShape(enforcer, model, policy);
  checkFunctions(enforcer, [...FunctionMap.loadFunctionMap().getFunctions().keys()], model);
  attempt(model, () => enforcer.enforceSync("subject", "object", "verb"));
  return (subject, object, verb) => {
    const [allowed, rule] = enforcer.enforceExSync(subject, object, verb);
    return allowed || rule.length === 0 ? { allowed } : { allowed, refusal: `casbin: ${rule.join(", ")}` };
  };
}

/** Casbin passes over lines it does not know, and takes short ones for what they are not. */
function checkShape(enforcer: Enforcer, { name: modelFile }: TextFile, { name: policyFile, text }: TextFile): void {
  const sections = enforcer.getModel().model;
  const asked = sections.get("r")?.get("r")?.tokens.length;
  if (asked !== 3) throw flaw(modelFile, `its request has ${asked ?? 0} parts, and it is asked for 3: sub, obj, act`);
  const known = new Set([...(sections.get("p")?.keys() ?? []), ...(sections.get("g")?.keys() ?? [])]);
  for (const [at, line] of text.split("\n").entries()) {
    const kind = line.split(",")[0]?.trim() ?? "";
    if (line.trim() === "" || kind.startsWith("#")) continue;
    if (!known.has(kind)) throw flaw(`${policyFile}:${at + 1}`, `"${kind}" is not defined in the model`);
  }
  for (const [kind, { tokens, policy }] of sections.get("p") ?? []) {
    const short = policy.find((rule) => rule.length < tokens.length);
    if (short !== undefined)
      throw flaw(policyFile, `"${[kind, ...short].join(", ")}" has fewer parts than the model wants: ${tokens.length}`);
  }
}

/** A matcher that names an unknown function fails no sooner than it is asked, and only for some of the rules. */
function checkFunctions(enforcer: Enforcer, builtIn: readonly string[], { name }: TextFile): void {
  const sections = enforcer.getModel().model;
  const known = new Set([...builtIn, ...(sections.get("g")?.keys() ?? []), "in", "eval"]);
  for (const { value } of sections.get("m")?.values() ?? []) {
    const unknown = [...value.replace(/"[^"]*"|'[^']*'/g, "").matchAll(/([A-Za-z_]\w*)\s*\(/g)].find(
      ([, called = ""]) => !known.has(called),
    );
    if (unknown !== undefined) throw flaw(name, `its matcher calls "${unknown[1]}", which is not known`);
  }
}

function attempt<Result>({ name }: TextFile, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw flaw(name, String((error as Error).message), error);
  }
}

const flaw = (file: string, why: string, cause?: unknown): Problem =>
  problem("CONFIG_INVALID", `Cannot load the Casbin policy ${file}: ${why}`, "Mend the file; until then the earlier policy stays", cause);
