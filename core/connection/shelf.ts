import type { Connection } from "../contract/driver.ts";
import { isInPlace } from "./path.ts";

/** How long a connection may take to show that it lives. */
const checkMillis = 2000;

/** A connection of the pool, and when it was last known to be well. */
export interface Kept {
  readonly connection: Connection;
  readonly openedAt: number;
  usedAt: number;
  /** Which of the shelf's alarms it was used after. */
  alarms: number;
}

/** Idle connections; the one used last is lent first, so that those a quiet hour does not need grow old. */
export interface Shelf {
  put(kept: Kept): void;
  /** One that is well, if there is any; drops those that are not. */
  take(signal: AbortSignal): Promise<Kept | undefined>;
  /** Has every idle connection checked before it is lent: what broke one (a restart, a cut line) may have broken them all. */
  alarm(): void;
  /** Empties the shelf for good. */
  clear(): readonly Kept[];
}

export function createShelf(deps: {
  readonly idleMillis: number;
  readonly checkAfterMillis: number;
  readonly drop: (kept: Kept) => Promise<void>;
  readonly replaced: () => void;
}): Shelf {
  const idle: Kept[] = [];
  let alarms = 0;
  let sweeping: ReturnType<typeof setTimeout> | undefined;

  const sweep = () => {
    sweeping = undefined;
    const now = Date.now();
    for (let [oldest] = idle; oldest !== undefined && now - oldest.usedAt >= deps.idleMillis; [oldest] = idle) {
      idle.shift();
      void deps.drop(oldest);
    }
    if (idle[0] !== undefined) sweepAfter(deps.idleMillis - Math.max(0, now - idle[0].usedAt));
  };
  const sweepAfter = (millis: number) => {
    sweeping = setTimeout(sweep, millis);
    sweeping.unref?.();
  };

  const isWell = async ({ connection, usedAt, alarms: heard }: Kept, signal: AbortSignal): Promise<boolean> => {
    if (connection.ended) return false;
    // The clock on the wall, because it goes on while a laptop sleeps.
    if (heard === alarms && Math.abs(Date.now() - usedAt) < deps.checkAfterMillis) return true;
    try {
      await connection.ping(AbortSignal.any([signal, AbortSignal.timeout(checkMillis)]));
      return true;
    } catch {
      // Whatever it says: another one is opened, and says what is wrong if something still is.
      return false;
    }
  };

  return {
    put(kept) {
      kept.usedAt = Date.now();
      kept.alarms = alarms;
      idle.push(kept);
      if (sweeping === undefined) sweepAfter(deps.idleMillis);
    },
    async take(signal) {
      for (let kept = idle.pop(); kept !== undefined; kept = idle.pop()) {
        const { file } = kept.connection;
        // A file that was replaced or deleted stays readable to whoever has it open, and would give old answers.
        if (file !== undefined && !isInPlace(file)) deps.replaced();
        else if (await isWell(kept, signal)) return kept;
        else if (!signal.aborted) alarms++;
        void deps.drop(kept);
        signal.throwIfAborted();
      }
      return undefined;
    },
    alarm() {
      alarms++;
    },
    clear() {
      clearTimeout(sweeping);
      return idle.splice(0);
    },
  };
}
