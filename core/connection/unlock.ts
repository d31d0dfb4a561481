import type { Secret, Target } from "../contract/driver.ts";
import { asProblem, Problem } from "../problem.ts";
import { namesSecret } from "../secrets/redact.ts";
import type { Secrets } from "../secrets/resolve.ts";
import type { ConnectionSettings } from "./connections.ts";

/** The target with its password and secret options read from where the settings say; anew for every connection that is opened. */
export async function unlocked(target: Target, settings: ConnectionSettings, secrets: Secrets, signal: AbortSignal): Promise<Target> {
  const { name, folder, password, options = {} } = settings;
  const read = async (text: string, place: string): Promise<Secret> => {
    try {
      return await secrets.read(text, { folder, signal });
    } catch (error) {
      if (signal.aborted) throw error;
      const { code, message, hint, retryable } = asProblem(error);
      const whole = `Cannot read ${place} of connection "${name}": ${message}`;
      throw new Problem({ code, message: whole, ...(hint !== undefined && { hint }), retryable }, error);
    }
  };
  // An option of the target itself wins, and is no reference.
  const own = Object.entries(options).filter(([key, value]) => namesSecret(key) && target.options[key] === value);
  const revealed = own.map(async ([key, value]) => [key, (await read(value, `option "${key}"`)).reveal()] as const);
  const [secret, entries] = await Promise.all([
    password === undefined ? target.password : read(password, "the password"),
    Promise.all(revealed),
  ]);
  return { ...target, options: { ...target.options, ...Object.fromEntries(entries) }, ...(secret && { password: secret }) };
}
