import type { Settings } from "../target/settings.ts";
import { cancelRequest } from "./messages.ts";
import { openSocket, type Protection } from "./socket.ts";

export interface BackendKey {
  readonly pid: number;
  readonly secret: number;
}

/** Asks a server to stop what one of its backends runs; resolves when it has passed that on. */
export async function cancelBackend(
  settings: Settings,
  place: Settings["places"][number],
  protection: Protection,
  key: BackendKey,
): Promise<void> {
  const signal = AbortSignal.timeout(settings.connectMillis || 15_000);
  const socket = await openSocket(settings, place, protection, signal);
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => socket.destroy(), { once: true });
    socket.once("close", () => resolve()).on("error", () => undefined);
    socket.resume();
    // The server ends it: pgbouncer 1.18 dies of a client that does so first.
    socket.write(cancelRequest(key.pid, key.secret));
  });
}
