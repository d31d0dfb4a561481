import { join } from "node:path";
import { namesSecret } from "../secrets/redact.ts";
import { readReference } from "../secrets/resolve.ts";
import type { Issue, YamlDocument } from "./document.ts";
import type { ConfigFile } from "./find.ts";
import type { Folders } from "./folders.ts";
import { valueAt } from "./issues.ts";
import { placedSettings } from "./settings.ts";

/** What a project file may not say: it can come from anyone, and plugins and commands are code that runs. */
export function foreignCode(file: ConfigFile, document: YamlDocument, folders: Folders): Issue[] {
  if (file.kind !== "project") return [];
  return [...foreignCommands(file, document, folders), ...foreignPlugins(document, folders)];
}

function foreignCommands({ shown }: ConfigFile, document: YamlDocument, folders: Folders): Issue[] {
  return Object.keys(mapAt(document.value, ["connections"])).flatMap((name) => {
    const at = ["connections", name];
    const options = Object.keys(mapAt(document.value, [...at, "options"])).filter(namesSecret);
    const places = [[...at, "password"], ...options.map((key) => [...at, "options", key])];
    return places
      .filter((path) => readReference(String(valueAt(document.value, path)))?.provider === "cmd")
      .map((path): Issue => {
        const line = document.lineOf(path);
        const text = "a project file may not name a command, because it is code that runs";
        const hint = `Move the connection to ${join(folders.config, "config.yaml")}, or run with --config ${shown}`;
        return { line, place: `${path.join(".")} (line ${line})`, text, hint };
      });
  });
}

function mapAt(value: unknown, path: readonly string[]): object {
  const found = valueAt(value, path);
  return typeof found === "object" && found !== null ? found : {};
}

const forbidden = {
  plugins: "plugins are code",
  policy: "a policy is for whoever runs tidegate to decide",
  audit: "an audit is for whoever runs tidegate to decide",
} as const;

function foreignPlugins(document: YamlDocument, folders: Folders): Issue[] {
  const set = placedSettings.filter(({ section, key }) => section in forbidden && valueAt(document.value, [section, key]) !== undefined);
  return set.map(({ section, key, path, variable }) => {
    const line = document.lineOf([section, key]);
    const hint = `Set it in ${join(folders.config, "config.yaml")}, or in ${variable}`;
    return {
      line,
      place: `${path} (line ${line})`,
      text: `a project file may not set this, because ${forbidden[section as keyof typeof forbidden]}`,
      hint,
    };
  });
}
