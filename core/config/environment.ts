import { didYouMean, problem } from "../problem.ts";
import type { Layer } from "./config.ts";
import type { Environment } from "./folders.ts";
import { createLayer, type LayerPlace } from "./layer.ts";
import { type PlacedSetting, placedSettings, type SettingValue } from "./settings.ts";
import { shown } from "./shown.ts";

/** Variables that say where things are, not how tidegate behaves. */
const otherVariables = ["TIDEGATE_CONFIG", "TIDEGATE_CACHE_DIR", "TIDEGATE_STATE_DIR", "TIDEGATE_DATA_DIR", "TIDEGATE_BASE_URL"];

/** Settings that are set by hand often enough for a short name; the long one wins. */
const shortVariables: Readonly<Record<string, string>> = {
  "limits.timeout": "TIDEGATE_TIMEOUT",
  "plugins.registry": "TIDEGATE_PLUGIN_REGISTRY",
};

/** Kubernetes sets these for every service called tidegate. */
const ofKubernetes = /^TIDEGATE_(SERVICE|PORT)(_|$)/;

/** Reads the settings that TIDEGATE_ variables name; an empty variable says nothing. @throws CONFIG_INVALID */
export function environmentLayer(env: Environment, place: Omit<LayerPlace, "originOf">): Layer {
  const variables = new Map<string, string>();
  const sections: Record<string, Record<string, SettingValue>> = {};
  for (const placed of placedSettings) {
    const variable = variablesOf(placed).find((name) => env[name]);
    if (variable === undefined) continue;
    variables.set(placed.path, variable);
    sections[placed.section] = { ...sections[placed.section], [placed.key]: readVariable(variable, placed, env) };
  }
  return createLayer(
    { sections },
    { ...place, originOf: (path) => ({ from: "environment", variable: variables.get(path.join(".")) ?? "" }) },
  );
}

/** One sentence for each TIDEGATE_ variable that means nothing. */
export function environmentWarnings(env: Environment): string[] {
  const ours = Object.keys(env).filter((name) => name.startsWith("TIDEGATE_") && !ofKubernetes.test(name));
  if (ours.length === 0) return [];
  const known = [...otherVariables, ...placedSettings.flatMap(variablesOf)];
  return ours
    .filter((name) => !known.includes(name))
    .map((name) => [`The environment variable ${name} is unknown and was ignored`, didYouMean(name, known)].filter(Boolean).join(". "));
}

function variablesOf({ path, variable }: PlacedSetting): string[] {
  return [variable, ...(shortVariables[path] ? [shortVariables[path]] : [])];
}

function readVariable(variable: string, { setting }: PlacedSetting, env: Environment): SettingValue {
  const value = setting.read(env[variable]);
  if (value !== undefined) return value;
  const current = shown(env[variable], [variable]);
  throw problem(
    "CONFIG_INVALID",
    `Cannot use ${variable}: current value ${current}, wanted ${setting.wanted}`,
    `Correct or unset ${variable}`,
  );
}
