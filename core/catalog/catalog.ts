import type { Catalog, CatalogDetail, CatalogObject, CatalogRequest, ObjectName } from "../contract/catalog.ts";
import { atDetail, details } from "./detail.ts";
import { createFlights } from "./flights.ts";

export interface OpenCatalog {
  readonly catalog: Catalog;
  /** Gives the connection back; called once, whatever happened. */
  release(): void | Promise<void>;
}

export interface CatalogsDeps {
  open(connection: string, signal: AbortSignal): Promise<OpenCatalog>;
  /** Milliseconds from any fixed moment. */
  now?(): number;
  /** How long a reading may be used again. */
  readonly maxAgeMillis?: number;
  /** Objects and columns kept in all; the least recently used readings go first. */
  readonly maxKept?: number;
}

/** The catalogs of all connections, read at most once per `maxAgeMillis` and detail. */
export interface Catalogs {
  /** Reads from memory or from the engine; callers that ask for the same at once share one reading. */
  read(connection: string, request: CatalogRequest): Promise<readonly CatalogObject[]>;
  /** Drops what is kept of a connection; readings under way are not used again either. */
  forget(connection: string): void;
}

interface Reading {
  readonly connection: string;
  readonly objects: readonly CatalogObject[];
  readonly weight: number;
  readonly readAt: number;
}

/** Makes the room. It holds no connection between calls. */
export function createCatalogs(deps: CatalogsDeps): Catalogs {
  const { now = () => performance.now(), maxAgeMillis = 30_000, maxKept = 250_000 } = deps;
  const kept = new Map<string, Reading>();
  const flights = createFlights<readonly CatalogObject[]>();
  /** Counts the times a connection was forgotten, so that a reading begun before is known to be old. */
  const times = new Map<string, number>();

  function keyOf(connection: string, detail: CatalogDetail, object?: ObjectName): string {
    return JSON.stringify([connection, times.get(connection) ?? 0, detail, object?.schema ?? null, object?.name ?? null]);
  }

  /** A fresh reading, moved to the end that is dropped last. */
  function fresh(key: string): readonly CatalogObject[] | undefined {
    const reading = kept.get(key);
    kept.delete(key);
    if (reading === undefined || now() - reading.readAt > maxAgeMillis) return undefined;
    kept.set(key, reading);
    return reading.objects;
  }

  /** What an earlier reading with as much detail or more says; one object is also found in the reading of all. */
  function recall(connection: string, { detail, object }: CatalogRequest): readonly CatalogObject[] | undefined {
    for (const enough of details.slice(details.indexOf(detail))) {
      const asked = fresh(keyOf(connection, enough, object));
      if (asked !== undefined) return asked;
      if (object === undefined) continue;
      const named = fresh(keyOf(connection, enough))?.filter((one) => isNamed(one, object)) ?? [];
      if (named.length === 1) return named;
    }
    return undefined;
  }

  function keep(key: string, reading: Reading): void {
    if (reading.weight > maxKept) return;
    kept.set(key, reading);
    let total = 0;
    for (const { weight } of kept.values()) total += weight;
    for (const [oldest, { weight }] of kept) {
      if (total <= maxKept) break;
      kept.delete(oldest);
      total -= weight;
    }
  }

  async function readEngine(connection: string, request: CatalogRequest): Promise<readonly CatalogObject[]> {
    const { detail, object, signal } = request;
    const key = keyOf(connection, detail, object);
    const readAt = now();
    const { catalog, release } = await deps.open(connection, signal);
    try {
      const objects = await catalog.read(request);
      const found = object === undefined || objects.length > 0;
      const weight = objects.reduce((sum, one) => sum + 1 + (one.columns?.length ?? 0), 0);
      if (found && key === keyOf(connection, detail, object)) keep(key, { connection, objects, weight, readAt });
      return objects;
    } finally {
      await release();
    }
  }

  async function read(connection: string, request: CatalogRequest): Promise<readonly CatalogObject[]> {
    request.signal.throwIfAborted();
    const key = keyOf(connection, request.detail, request.object);
    const objects =
      recall(connection, request) ?? (await flights.join(key, request.signal, (signal) => readEngine(connection, { ...request, signal })));
    return objects.map((object) => atDetail(object, request.detail));
  }

  function forget(connection: string): void {
    times.set(connection, (times.get(connection) ?? 0) + 1);
    for (const [key, reading] of kept) if (reading.connection === connection) kept.delete(key);
  }

  return { read, forget };
}

function isNamed(object: CatalogObject, { schema, name }: ObjectName): boolean {
  return object.name === name && (schema === undefined || object.schema === schema);
}
