/** Lets so many in at a time; the others wait in the order they came. */
export interface Turns {
  /** Gives the way to leave again; it may be used more than once. Rejects when the signal does not wait any longer. */
  enter(signal: AbortSignal): Promise<() => void>;
}

export function createTurns(most: number): Turns {
  let inside = 0;
  const waiting = new Set<() => void>();
  const leaving = () => {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      inside--;
      const [next] = waiting;
      next?.();
    };
  };
  return {
    async enter(signal) {
      while (inside >= most) {
        signal.throwIfAborted();
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        const abort = () => reject(signal.reason);
        signal.addEventListener("abort", abort, { once: true });
        waiting.add(resolve);
        await promise.finally(() => {
          waiting.delete(resolve);
          signal.removeEventListener("abort", abort);
        });
      }
      inside++;
      return leaving();
    },
  };
}
