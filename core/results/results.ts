import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Connection, Driver, StoredTable } from "../contract/driver.ts";
import type { Principal } from "../contract/policy.ts";
import type { ExportedFile, Lineage, StoredResult } from "../contract/results.ts";
import { didYouMean, type Problem, problem } from "../problem.ts";
import { type Catalogue, createCatalogue, type Entry, type Gone } from "./catalogue.ts";
import { type Arriving, land } from "./landing.ts";
import { openState, type State } from "./state.ts";
import { sweep } from "./sweep.ts";
import { createTurns } from "./turns.ts";

/** What is known of a result besides its rows. */
export interface Kept {
  readonly lineage: Lineage;
  /** What decides the answer, where it may be given again. */
  readonly asked?: string | undefined;
  /** True once what was read may have changed: the answer is then not given again. */
  readonly stale?: (() => boolean) | undefined;
  /** True once the policy held rows back. */
  readonly narrowed?: () => boolean;
  /** Time for reading rows, where the statement has less than results.maxTime. */
  readonly maxMillis?: number | undefined;
  /** Told how many rows there are so far. */
  readonly onRows?: ((rows: number) => void) | undefined;
}

export interface ResultLimits {
  readonly maxRows: number;
  readonly maxBytes: number;
  readonly maxDisk: number;
  readonly maxTimeMillis: number;
  /** Since it was last used. */
  readonly keepMillis: number;
}

/** A connection on stored results, and how its errors are read. Whoever opened it releases it. */
export interface Cage {
  readonly connection: Connection;
  readonly driver: Driver;
  readonly names: readonly string[];
  /** The results that are seen, and the tables they were read from. */
  readonly made: Pick<Lineage, "parents" | "objects">;
  release(): Promise<void>;
}

/** A result, and why it is gone where it is. */
export interface Recalled extends StoredResult {
  readonly gone?: Gone;
}

/** Results that are kept in files. Each belongs to whoever asked, and nobody else finds it. */
export interface Results {
  /** Reads a stream to its end or to a bound. @throws LIMIT_EXCEEDED when there is no room, and what the stream throws */
  keep(arriving: Arriving, owner: Principal, facts: Kept, signal: AbortSignal): Promise<StoredResult>;
  /** @throws NOT_FOUND, RESULT_EXPIRED with how to get it back */
  find(owner: Principal, name: string): Promise<StoredResult>;
  /** The same of what is gone as well, as long as it is remembered. */
  recall(owner: Principal, name: string): Promise<Recalled | undefined>;
  list(owner: Principal): Promise<readonly StoredResult[]>;
  /** Opens a connection that sees results by their names; `besides` are seen under other names. @throws what `find` throws */
  open(owner: Principal, names: readonly string[], signal: AbortSignal, besides?: Readonly<Record<string, string>>): Promise<Cage>;
  /** The youngest answer to a question that is no older than this. */
  answer(owner: Principal, asked: string, maxAgeMillis: number): Promise<StoredResult | undefined>;
  remove(owner: Principal, name: string): Promise<void>;
  /** How often a connection was written to by this process. */
  writes(connection: string): number;
  /** Says that what was read from a connection may have changed. */
  wrote(connection: string): Promise<void>;
  addFile(owner: Principal, file: ExportedFile): Promise<void>;
  files(owner: Principal, sha256?: string): Promise<readonly ExportedFile[]>;
  /** Removes what has expired and what killed processes left; says how much. */
  sweep(): Promise<{ readonly results: number; readonly bytes: number }>;
  close(): void;
}

const sweepMillis = 5 * 60_000;
/** Each takes memory of its own, also one whose caller no longer waits. */
const mostCages = 4;

export function createResults(deps: {
  readonly folder: string;
  readonly limits: ResultLimits;
  /** The driver that works with results. */
  readonly driver: () => Promise<Driver>;
  /** Lets somebody in now, or throws. */
  readonly admit: (principal: Principal) => void;
  /** What the policy allows somebody, as a mark that changes with it. */
  readonly policy: (principal: Principal) => string;
  readonly log: { warn(message: string): void };
  readonly now?: () => number;
}): Results {
  const { folder, limits, now = Date.now } = deps;
  const pathOf = (id: string) => join(folder, `${id}.duckdb`);
  let opening: Promise<{ readonly state: State; readonly catalogue: Catalogue }> | undefined;
  const cages = createTurns(mostCages);
  const writes = new Map<string, number>();
  /** Bytes that results on their way may come to. */
  let promised = 0;
  let swept = Number.NEGATIVE_INFINITY;
  let closed = false;

  const opened = async (): Promise<Catalogue> => {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      const { code = "failed" } = error as NodeJS.ErrnoException;
      throw problem("CONFIG_INVALID", `Cannot keep results in "${folder}": ${code}`, "Check results.folder and its permissions", error);
    }
    opening ??= openState(join(folder, "index.db"), deps.log.warn).then((state) => ({ state, catalogue: createCatalogue(state) }));
    const { catalogue } = await opening.catch((error) => {
      opening = undefined;
      throw error;
    });
    if (now() - swept > sweepMillis) {
      swept = now();
      await sweep(catalogue, folder, now());
    }
    return catalogue;
  };

  const drop = async (catalogue: Catalogue, { id, bytes }: Entry, why: "expired" | "removed"): Promise<number> => {
    if (!catalogue.drop(id, why)) return 0;
    await rm(pathOf(id), { force: true });
    return bytes;
  };

  /** Room for one more result: the owner's own least used ones make way for it. */
  const room = async (catalogue: Catalogue, owner: string): Promise<number> => {
    let used = catalogue.kept().reduce((sum, { bytes }) => sum + bytes, 0);
    const own = catalogue.kept(owner).toSorted((a, b) => a.used - b.used);
    for (const entry of own) {
      if (used < limits.maxDisk * 0.9) break;
      used -= await drop(catalogue, entry, "expired");
    }
    if (used >= limits.maxDisk) throw full(limits.maxDisk);
    return limits.maxDisk - used;
  };

  const found = async (owner: Principal, name: string): Promise<Entry> => {
    const catalogue = await opened();
    const entry = catalogue.find(ownerOf(owner), name);
    if (entry === undefined) throw unknown(name, catalogue.kept(ownerOf(owner)));
    if (entry.state === "kept" && entry.expires <= now()) await drop(catalogue, entry, "expired");
    else if (entry.state === "kept" && !existsSync(pathOf(entry.id))) catalogue.drop(entry.id, "lost");
    else if (entry.state === "kept" && entry.policy !== deps.policy(owner)) throw gone(entry, "was read under another policy");
    else if (entry.state === "kept") return entry;
    throw gone(entry, entry.state === "removed" ? "was removed" : entry.expires <= now() ? "has expired" : "is no longer there");
  };

  return {
    async keep(arriving, owner, { lineage, asked, stale, narrowed, maxMillis = Number.POSITIVE_INFINITY, onRows }, signal) {
      const catalogue = await opened();
      const left = (await room(catalogue, ownerOf(owner))) - promised;
      if (left <= 0) throw full(limits.maxDisk);
      const id = randomBytes(12).toString("hex");
      const until = performance.now() + Math.min(limits.maxTimeMillis, maxMillis);
      const bounds = { rows: limits.maxRows, bytes: Math.min(limits.maxBytes, left), until };
      const policy = deps.policy(owner);
      promised += bounds.bytes;
      const landed = await land(arriving, pathOf(id), bounds, { signal, onRows }).finally(() => {
        promised -= bounds.bytes;
      });
      const truncated = narrowed?.() ? "policy" : landed.truncated === "bytes" && left < limits.maxBytes ? "disk" : landed.truncated;
      try {
        const created = now();
        const expires = created + limits.keepMillis;
        const { columns, rows, bytes } = landed;
        const facts = { id, owner: ownerOf(owner), columns, rows, bytes, created, expires, lineage, policy };
        return catalogue.add({
          ...facts,
          ...(truncated && { truncated }),
          ...(asked !== undefined && !truncated && !stale?.() && { asked }),
        });
      } catch (error) {
        await rm(pathOf(id), { force: true });
        throw error;
      }
    },
    find: found,
    async recall(owner, name) {
      const entry = (await opened()).find(ownerOf(owner), name);
      if (entry === undefined) return undefined;
      const gone = entry.state === "kept" && entry.expires <= now() ? "expired" : entry.state;
      return gone === "kept" ? entry : { ...entry, gone };
    },
    async list(owner) {
      const catalogue = await opened();
      return catalogue.kept(ownerOf(owner)).filter(({ expires, policy }) => expires > now() && policy === deps.policy(owner));
    },
    async open(owner, names, signal, besides = {}) {
      deps.admit(owner);
      const catalogue = await opened();
      const tables: StoredTable[] = [];
      const seen: Entry[] = [];
      const wanted = [...names.map((name) => [name, name] as const), ...Object.entries(besides)];
      for (const [as, name] of wanted) {
        const entry = await found(owner, name);
        catalogue.use(entry.id, now(), now() + limits.keepMillis);
        tables.push({ name: as, path: pathOf(entry.id) });
        seen.push(entry);
      }
      const made = {
        parents: [...new Set(seen.map(({ name }) => name))],
        objects: [...new Set(seen.flatMap(({ lineage }) => lineage.objects))],
      };
      const driver = await deps.driver();
      if (driver.cage === undefined) throw noResults();
      const leave = await cages.enter(signal);
      try {
        const connection = await driver.cage(tables, { signal, readOnly: true });
        const release = async () => {
          try {
            await connection[Symbol.asyncDispose]();
          } finally {
            leave();
          }
        };
        return { connection, driver, made, names: wanted.map(([as]) => as), release };
      } catch (error) {
        leave();
        throw error;
      }
    },
    async answer(owner, asked, maxAgeMillis) {
      const catalogue = await opened();
      const entry = catalogue.answer(asked);
      const isFresh = entry !== undefined && entry.owner === ownerOf(owner) && now() - entry.created <= maxAgeMillis;
      return isFresh && entry.expires > now() && entry.policy === deps.policy(owner) && existsSync(pathOf(entry.id)) ? entry : undefined;
    },
    async remove(owner, name) {
      await drop(await opened(), await found(owner, name), "removed");
    },
    writes: (connection) => writes.get(connection) ?? 0,
    async wrote(connection) {
      writes.set(connection, (writes.get(connection) ?? 0) + 1);
      // Nothing is kept where nothing was ever opened.
      if (opening === undefined && !existsSync(join(folder, "index.db"))) return;
      (await opened()).forget({ connection });
    },
    async addFile(owner, file) {
      (await opened()).addFile({ ...file, owner: ownerOf(owner) });
    },
    files: async (owner, sha256) => (await opened()).files(ownerOf(owner), sha256),
    async sweep() {
      const catalogue = await opened();
      return sweep(catalogue, folder, now());
    },
    close() {
      if (closed) return;
      closed = true;
      opening?.then(({ state }) => state.close()).catch(() => undefined);
    },
  };
}

function ownerOf({ via, id }: Principal): string {
  return `${via}:${id}`;
}

export function noResults(): Problem {
  return problem("UNSUPPORTED", "Results are not kept here", "Set results.mode to on, or narrow the query");
}

function unknown(name: string, kept: readonly Entry[]): Problem {
  const names = kept.map((entry) => entry.name);
  const hint = names.length === 0 ? "Run a query first: a large result is kept and named" : `You have ${names.slice(-10).join(", ")}`;
  return problem("NOT_FOUND", `No result is named "${name.slice(0, 100)}"`, didYouMean(name.slice(0, 100), names) ?? hint);
}

function gone({ name, lineage: { sql, connection } }: Entry, why: string): Problem {
  const again = sql === undefined ? "Run its statement again" : `Run it again on "${connection}": ${sql.slice(0, 500)}`;
  return problem("RESULT_EXPIRED", `Result "${name}" ${why}`, again);
}

function full(maxDisk: number): Problem {
  return problem(
    "LIMIT_EXCEEDED",
    `Stored results fill the ${maxDisk} bytes they may have (results.maxDisk)`,
    "Remove some: tidegate results rm, or raise the limit",
  );
}
