import { didYouMean } from "../problem.ts";
import type { Environment } from "./folders.ts";

/** A text with its variables filled in, or why that could not be done. */
export type Substituted = { readonly text: string } | { readonly wrong: string; readonly hint: string };

/** Fills in `${NAME}` and `${NAME:-default}`; `$${` stands for a plain `${`. Values never appear in what it reports. */
export function substitute(template: string, env: Environment): Substituted {
  let wrong: { wrong: string; hint: string } | undefined;
  const text = template.replace(/\$\$\{|\$\{([^}]*)(\})?/g, (all, body: string, closed: string | undefined) => {
    if (all === "$${") return "${";
    const [, name, otherwise] = (closed && /^([A-Za-z_]\w*)(?::-(.*))?$/s.exec(body)) || [];
    if (name === undefined) {
      wrong ??= { wrong: `it holds "\${" without the name of a variable and "}"`, hint: `Write \${NAME}, or $\${ for a plain "\${"` };
      return all;
    }
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value === undefined && otherwise === undefined) {
      wrong ??= {
        wrong: `the environment variable "${name}" is not set`,
        hint: didYouMean(name, Object.keys(env)) ?? `Set ${name}, or write \${${name}:-default}`,
      };
    }
    return (otherwise === undefined ? value : value || otherwise) ?? all;
  });
  return wrong ?? { text };
}
