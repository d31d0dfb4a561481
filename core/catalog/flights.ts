interface Flight<T> {
  readonly landing: Promise<T>;
  readonly abort: AbortController;
  waiting: number;
}

/** Work under way, by key. Callers of one key share one run. */
export interface Flights<T> {
  /** Joins the run under `key` or starts it. A caller's abort rejects that caller only; the last one to leave stops the run. */
  join(key: string, signal: AbortSignal, run: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

/** Makes an empty set of flights. */
export function createFlights<T>(): Flights<T> {
  const flights = new Map<string, Flight<T>>();

  function start(key: string, run: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const abort = new AbortController();
    const flight: Flight<T> = { abort, waiting: 0, landing: run(abort.signal).finally(() => remove(key, flight)) };
    flights.set(key, flight);
    return flight;
  }

  /** True when the flight was still under way. */
  function remove(key: string, flight: Flight<T>): boolean {
    return flights.get(key) === flight && flights.delete(key);
  }

  async function join(key: string, signal: AbortSignal, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const flight = flights.get(key) ?? start(key, run);
    flight.waiting++;
    try {
      return await unlessAborted(flight.landing, signal);
    } finally {
      flight.waiting--;
      if (flight.waiting === 0 && remove(key, flight)) flight.abort.abort(signal.reason);
    }
  }

  return { join };
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: result, resolve, reject } = Promise.withResolvers<T>();
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  return result;
}
