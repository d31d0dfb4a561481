import { asProblem, Problem, problem } from "../problem.ts";
import type { Provider } from "./provider.ts";

/** What a secret may be called in the keyring, and as a file. */
export const secretName = /^[A-Za-z0-9][\w.-]{0,99}$/;

/** Our secrets among those of other programs. */
const service = "tidegate";

/** `keyring:name`: the Secret Service on Linux, the Keychain on macOS, the Credential Manager on Windows. */
export const keyring: Provider = {
  form: "name",
  accepts: (name) => secretName.test(name),
  async read(name, { signal }) {
    const found = await withEntry(name, (entry) => entry.getPassword(signal), signal);
    if (found !== null) return found;
    throw problem("SECRET_UNAVAILABLE", `The keyring holds no secret named "${name}"`, `Store it: tidegate config set-secret ${name}`);
  },
};

/** Stores a secret, or replaces the one of that name. @throws SECRET_UNAVAILABLE */
export async function keepInKeyring(name: string, secret: string, signal: AbortSignal): Promise<void> {
  await withEntry(name, (entry) => entry.setPassword(secret, signal), signal);
}

/** True when there was such a secret. @throws SECRET_UNAVAILABLE */
export function removeFromKeyring(name: string, signal: AbortSignal): Promise<boolean> {
  return withEntry(name, (entry) => entry.deletePassword(signal), signal);
}

type Entry = import("@napi-rs/keyring").AsyncEntry;

/** The system may wait for a person to unlock its keyring; the signal ends our waiting, not the system's. */
async function withEntry<Result>(name: string, work: (entry: Entry) => Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    const { AsyncEntry } = await import("@napi-rs/keyring");
    // The kernel's keyring would stand in without saying so, and forgets everything at the next start.
    const entry = new AsyncEntry(service, name, { linux: { store: "secret-service" } });
    return await Promise.race([work(entry), stopped]);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw unavailable(name, error);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function unavailable(name: string, error: unknown): Problem {
  const instead = `keep the secret in a file: tidegate config set-secret ${name} --file`;
  const told = (error as { diagnosis?: unknown }).diagnosis === undefined ? undefined : asProblem(error);
  if (told !== undefined)
    return new Problem({ code: "SECRET_UNAVAILABLE", message: told.message, hint: `${told.hint}, or ${instead}`, retryable: false }, error);
  const text = error instanceof Error ? error.message : "";
  if (/dismissed|locked/i.test(text)) return problem("SECRET_UNAVAILABLE", "The keyring is locked", `Unlock it, or ${instead}`, error);
  if (/dbus/i.test(text))
    return problem(
      "SECRET_UNAVAILABLE",
      "There is no keyring: the session bus cannot be reached",
      `Log in to a desktop session, or ${instead}`,
      error,
    );
  return problem("SECRET_UNAVAILABLE", "The system's keyring cannot be used", `Check that the keyring works, or ${instead}`, error);
}
