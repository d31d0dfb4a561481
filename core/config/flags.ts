import { problem } from "../problem.ts";
import type { Layer } from "./config.ts";
import { type ConnectionInput, createLayer, type LayerPlace, type SectionInput } from "./layer.ts";
import { connectionName, placedSettings, type SettingValue, type settings } from "./settings.ts";
import { shown } from "./shown.ts";

type Settings = typeof settings;

/** What the command line says, as it was typed: `{ limits: { timeout: "5s" } }`. Absent values say nothing. */
export type Flags = {
  readonly [Section in keyof Settings]?: { readonly [Key in keyof Settings[Section]]?: SettingValue | undefined };
} & { readonly connections?: Readonly<Record<string, string | ConnectionInput>> };

/** Reads what the command line says. @throws INPUT_INVALID */
export function flagLayer({ connections, ...written }: Flags, place: Omit<LayerPlace, "originOf">): Layer {
  const sections: Record<string, Record<string, SettingValue>> = {};
  for (const { section, key, path, setting } of placedSettings) {
    const typed = (written as Readonly<Record<string, SectionInput>>)[section]?.[key];
    if (typed === undefined) continue;
    const value = setting.read(typed);
    if (value === undefined)
      throw problem("INPUT_INVALID", `Cannot use the option for ${path}: current value ${shown(typed, [path])}, wanted ${setting.wanted}`);
    sections[section] = { ...sections[section], [key]: value };
  }
  const wrong = Object.keys(connections ?? {}).find((name) => !connectionName.test(name));
  if (wrong !== undefined)
    throw problem("INPUT_INVALID", `Cannot name a connection ${shown(wrong, ["name"])}: wanted a letter, then letters, digits, "_" or "-"`);
  return createLayer({ sections, connections }, { ...place, originOf: () => ({ from: "flag" }) });
}
