import { z } from "zod";
import { readReference, referenceForms } from "../secrets/resolve.ts";
import type { Setting, SettingValue } from "./settings.ts";

const variable = "\\$\\{";
const shapes: Readonly<Record<string, (values: Setting["values"]) => Record<string, unknown>>> = {
  count: () => ({ type: ["integer", "string"], minimum: 1, pattern: `^\\d+$|${variable}` }),
  size: () => ({ type: ["integer", "string"], minimum: 1, pattern: `^\\d+(\\.\\d+)?\\s*([kKmMgG]?[bB])?$|${variable}` }),
  duration: () => ({ type: ["integer", "string"], minimum: 1, pattern: `^\\d+(\\.\\d+)?\\s*(ms|s|m|h)?$|${variable}` }),
  choice: (values) => ({ type: "string", anyOf: [{ enum: values }, { pattern: variable }] }),
  folder: () => ({ type: "string", minLength: 1 }),
  place: () => ({ type: "string", minLength: 1 }),
  keys: () => ({ type: "string" }),
  flag: () => ({ anyOf: [{ type: "boolean" }, { type: "string", pattern: `^(true|false)$|${variable}` }] }),
};

/** A field that holds one setting, or is left out. */
export function settingField<Value extends SettingValue>(setting: Setting<string, Value>, description = setting.about) {
  return field((written) => setting.read(written), setting.wanted, { description, ...shapes[setting.kind]?.(setting.values) }).optional();
}

/** Text that is not blank. */
export function textField(wanted: string, description: string) {
  const isText = (written: unknown): written is string => typeof written === "string" && written.trim() !== "" && !written.includes("\0");
  return field((written) => (isText(written) ? written : undefined), wanted, { type: "string", minLength: 1, description });
}

/** What a field for a secret takes, for messages. */
export const wantedSecret = `a secret, or where it is: ${referenceForms.join(", ")}`;

/** A secret, or a reference to one. */
export function secretField() {
  const read = (written: unknown) =>
    typeof written === "string" && written !== "" && readReference(written)?.valid !== false ? written : undefined;
  const description = `The password of the target's user, best as a reference: ${referenceForms.join(", ")}`;
  return field(read, wantedSecret, { type: "string", minLength: 1, description });
}

/** true or false, also as text, because a filled-in variable is text. */
export function flagField(description: string) {
  const read = (written: unknown) => (String(written) === "true" ? true : String(written) === "false" ? false : undefined);
  return field(read, "true or false", {
    anyOf: [{ type: "boolean" }, { type: "string", pattern: `^(true|false)$|${variable}` }],
    description,
  });
}

/** A driver's option, kept as text. */
export function optionField() {
  const read = (written: unknown) => (["string", "number", "boolean"].includes(typeof written) ? String(written) : undefined);
  return field(read, "text, a number, true or false", { type: ["string", "number", "boolean"] });
}

/** What was `wanted` becomes the issue's message; `shape` is the JSON Schema of what may be written. */
export function field<Value>(read: (written: unknown) => Value | undefined, wanted: string, shape: Readonly<Record<string, unknown>>) {
  return z
    .unknown()
    .transform((written, context): Value => {
      const value = read(written);
      if (value !== undefined) return value;
      context.addIssue({ code: "custom", message: wanted });
      return z.NEVER;
    })
    .meta(shape);
}
