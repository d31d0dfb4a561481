import { didYouMean, problem } from "../problem.ts";
import type { Provider } from "./provider.ts";

/** `env:NAME`: an environment variable, looked up when it is needed. */
export const env: Provider = {
  form: "NAME",
  accepts: (name) => /^[A-Za-z_]\w*$/.test(name),
  async read(name, { env }) {
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value !== undefined) return value;
    const hint = didYouMean(name, Object.keys(env)) ?? `Set ${name} where tidegate is started`;
    throw problem("SECRET_UNAVAILABLE", `The environment variable "${name}" is not set`, hint);
  },
};
