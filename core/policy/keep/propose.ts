import type { CatalogObject } from "../../contract/catalog.ts";
import { type Suspicion, suspicionOf } from "./personal.ts";

/** A first policy for a database, as YAML with the reason beside each rule: a start for somebody who knows the data. */
export function proposePolicy(
  objects: readonly CatalogObject[],
  about: { readonly title: string; readonly connection?: string | undefined; readonly defaultSchema?: string | undefined },
): string {
  // A view shows what its tables show, so it needs no rule of its own.
  const relations = objects.filter(({ kind, columns }) => kind !== "view" && columns !== undefined);
  const rules = relations.flatMap((object) => tableRules(object, about));
  const connection = about.connection === undefined ? "" : `connection: ${yamlName(about.connection)}, `;
  return `# A policy for ${about.title}, proposed from the names of ${relations.length} tables. Read every line before you trust it:
# a name says little about what is in a column, and free text may hold anything.
# Check it with: tidegate policy lint --live, and try it with: tidegate policy check --as analyst --sql 'select …'
version: 1

# The roles of everybody who is not listed under "principals". Without this line they may do nothing.
default: [analyst]

roles:
  analyst:
    about: Reads everything, and sees personal data masked
    rules:
      - { ${connection}access: read }
${rules.map(({ text, why }) => `      - { ${connection}${text} }  # ${why}\n`).join("")}${rules.length === 0 ? "      # No column looks personal.\n" : ""}    limits: { rows: 10000, time: 30s }
`;
}

function tableRules({ schema, name, columns = [] }: CatalogObject, { defaultSchema }: { readonly defaultSchema?: string | undefined }) {
  const found = new Map<string, { readonly suspicion: Suspicion; readonly columns: string[] }>();
  for (const { name: column } of columns) {
    const suspicion = suspicionOf(column, name);
    if (suspicion === undefined) continue;
    const same = found.get(suspicion.what) ?? { suspicion, columns: [] };
    same.columns.push(column);
    found.set(suspicion.what, same);
  }
  const place = `${schema === undefined || schema === defaultSchema ? "" : `schema: ${yamlName(schema)}, `}table: ${yamlName(name)}`;
  return [...found.values()].map(({ suspicion: { what, how }, columns: named }) => {
    const column = named.length === 1 ? yamlName(named[0] ?? "") : `[${named.map(yamlName).join(", ")}]`;
    return { text: `${place}, column: ${column}, ${how === "hidden" ? "access: none" : `mask: ${how}`}`, why: what };
  });
}

/** Plain where YAML reads it as the same text, else in quotes. */
const yamlName = (name: string): string =>
  /^[A-Za-z_]\w*$/.test(name) && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(name) ? name : JSON.stringify(name);
