import { stringify } from "yaml";
import { configJsonSchema } from "./schema.ts";
import { sectionAbout, settings } from "./settings.ts";

/** The schema that editors read, beside the configuration file. */
export const schemaFile = "tidegate.schema.json";

/** What that file holds. */
export function schemaText(): string {
  return `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
}

/** A configuration file with every key explained. What is commented out says the defaults: removing a "#" changes nothing yet. */
export function configTemplate(connections: ReadonlyMap<string, string>): string {
  const entries = [...connections].map(([name, target]) => `  ${stringify({ [name]: target }, { lineWidth: 0 })}`);
  const sections = Object.entries(settings).map(([section, keys]) => {
    const lines = Object.entries(keys).map(([key, { about, fallback, kind }]) => {
      const written = kind === "folder" ? `  #${key}: ./${key}    # default: ${fallback}` : `  #${key}: ${fallback}`;
      return `  # ${about}\n${written}\n`;
    });
    return `\n# ${sectionAbout[section as keyof typeof settings]}\n${section}:\n${lines.join("")}`;
  });
  return `${head}${entries.join("")}${example}${sections.join("")}`;
}

const head = `# yaml-language-server: $schema=./${schemaFile}
#
# Configuration of tidegate. Every key may be left out.
# Text may name environment variables: \${NAME} or \${NAME:-default}; $\${ is a plain \${.

# The databases a call can name: a target each, or a map with more about it.
# A target is a file, a folder, or a URL; a relative path starts at this file's folder.
connections:
`;

const example = `  #example:
    #target: \${EXAMPLE_URL:-./example.db}
    #password: env:EXAMPLE_PASSWORD           # or file:/path, cmd:program arguments, keyring:name
    #description: Orders since 2019           # for assistants that choose a connection
    #write: false                             # true lets a call that asks for it change data
    #timeout: 1m                              # instead of limits.timeout
    #maxRows: 500                             # instead of limits.maxRows
    #options: { name: value }                 # for the driver, added to those of the target
    #ssh: bastion.example.com                 # reaches the database over SSH; docs/ssh.md has more
`;
