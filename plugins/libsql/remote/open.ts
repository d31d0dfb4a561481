import type { Engine } from "../engine.ts";
import { refusal } from "../refusal.ts";
import type { RemotePlace } from "../target/place.ts";
import { createRemoteEngine } from "./engine.ts";
import { openHrana } from "./hrana.ts";

const patienceMillis = 15_000;

/** Reaches a server, and asks it something: only that shows whether it takes the token. */
export async function openRemote({ url, token }: RemotePlace, readOnly: boolean, signal: AbortSignal): Promise<Engine> {
  const patience = AbortSignal.timeout(patienceMillis);
  try {
    const hrana = await openHrana(url, token, AbortSignal.any([signal, patience]));
    return await createRemoteEngine(hrana, readOnly, AbortSignal.any([signal, patience]));
  } catch (error) {
    if (signal.aborted || error !== patience.reason) throw error;
    const message = `Cannot reach the server "${new URL(url).host}": no answer within ${patienceMillis / 1000} seconds`;
    throw refusal({ code: "CONNECTION_FAILED", message, hint: "Check the address, and that the server runs" }, error);
  }
}
