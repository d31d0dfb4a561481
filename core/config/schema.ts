import { z } from "zod";
import { namesSecret } from "../secrets/redact.ts";
import { readReference } from "../secrets/resolve.ts";
import { flagField, optionField, secretField, settingField, textField, wantedSecret } from "./fields.ts";
import { connectionName, connectionSettings, type Setting, sectionAbout, settings } from "./settings.ts";
import { sshKeys, sshSchema } from "./ssh-schema.ts";

const wantedTarget = "a file such as ./shop.db, or a URL";

const wantedBeside = "a target without a reference to a secret; the reference goes beside it: password: keyring:name";

/** A reference inside a target would be sent to the server as if it were the password. */
function holdsReference(target: string): boolean {
  const password = /^\w+:\/\/[^:@/?]*:([^@/?]*)@/.exec(target)?.[1];
  const options = [...new URLSearchParams(/\?(.*)$/s.exec(target)?.[1])].filter(([key]) => namesSecret(key)).map(([, value]) => value);
  return [target, password ?? "", ...options].some((text) => readReference(text)?.valid);
}

const connectionSchema = z.union([
  textField(wantedTarget, "A file, a folder, or a URL; a relative path starts at this file's folder"),
  z
    .strictObject({
      target: textField(wantedTarget, "A file, a folder, or a URL; a relative path starts at this file's folder").optional(),
      url: textField(wantedTarget, "Another word for target").optional(),
      password: secretField().optional(),
      write: flagField("Whether a call that asks for it may change data (default: false)").optional(),
      description: textField("text", "What the data is, for assistants that choose a connection").optional(),
      timeout: settingField(connectionSettings.timeout),
      maxRows: settingField(connectionSettings.maxRows),
      cache: settingField(connectionSettings.cache),
      options: z.record(z.string(), optionField()).optional().describe("Options for the driver, added to those of the target"),
      ssh: sshSchema.optional(),
    })
    .superRefine(({ target, url, options }, context) => {
      if (target === undefined && url === undefined) context.addIssue({ code: "custom", path: ["target"], message: wantedTarget });
      if (target !== undefined && url !== undefined)
        context.addIssue({ code: "custom", path: ["url"], message: "only one of target and url" });
      for (const [key, text] of Object.entries({ target, url }))
        if (text !== undefined && holdsReference(text)) context.addIssue({ code: "custom", path: [key], message: wantedBeside });
      for (const [key, value] of Object.entries(options ?? {})) {
        if (namesSecret(key) && readReference(value)?.valid === false)
          context.addIssue({ code: "custom", path: ["options", key], message: wantedSecret });
      }
    })
    .meta({ oneOf: [{ required: ["target"] }, { required: ["url"] }] }),
]);

/** What may be written in a configuration file. Defaults are not filled in: an absent key stays absent. */
export const configSchema = z
  .strictObject({
    connections: z
      .record(z.string().regex(connectionName), connectionSchema)
      .nullish()
      .describe("The databases a call can name: a target each, or a map with more about it"),
    ...(Object.fromEntries(Object.entries(settings).map(sectionSchema)) as Record<
      keyof typeof settings,
      ReturnType<typeof sectionSchema>[1]
    >),
  })
  .meta({
    title: "tidegate configuration",
    description: `Settings of tidegate. Text may name environment variables: \${NAME} or \${NAME:-default}; $\${ is a plain \${.`,
  });

/** The keys that may stand at a place, for near-name hints; empty where any may. */
export function keysAt(path: readonly PropertyKey[]): readonly string[] {
  if (path.length === 0) return Object.keys(configSchema.shape);
  if (path[0] === "connections" && path[2] === "ssh") return sshKeys;
  if (path[0] === "connections") return path.length === 2 ? Object.keys(connectionSchema.options[1].shape) : [];
  return Object.keys(settings[path[0] as keyof typeof settings] ?? {});
}

/** The JSON Schema of a configuration file, for editors. */
export function configJsonSchema(): Record<string, unknown> {
  return { $id: "urn:tidegate:config:1", ...z.toJSONSchema(configSchema, { io: "input" }) };
}

function sectionSchema([name, entries]: [string, Readonly<Record<string, Setting>>]) {
  const fields = Object.entries(entries).map(([key, setting]) => [
    key,
    settingField(setting, `${setting.about} (default: ${setting.fallback})`),
  ]);
  const shape: Record<string, ReturnType<typeof settingField>> = Object.fromEntries(fields);
  return [
    name,
    z
      .strictObject(shape)
      .nullish()
      .describe(sectionAbout[name as keyof typeof settings]),
  ] as const;
}
