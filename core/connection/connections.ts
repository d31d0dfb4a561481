import type { SshConfig } from "../config/config.ts";
import type { Connection, ConnectOptions, Driver, ReadOnlyProof, RoleRequest, Target } from "../contract/driver.ts";
import { asProblem, didYouMean, Problem, problem, toPublic } from "../problem.ts";
import type { Secrets } from "../secrets/resolve.ts";
import { createPool, type Loan, type Pool, type PoolLimits } from "./pool.ts";
import { createTunnels, type Tunnels } from "./ssh/tunnels.ts";
import { type ResolvedTarget, resolveTarget } from "./target.ts";
import { unlocked } from "./unlock.ts";

/** What the configuration says of one connection. */
export interface ConnectionSettings {
  readonly name: string;
  readonly target: string;
  /** A reference to a secret, or the secret itself. */
  readonly password?: string;
  readonly write: boolean;
  /** The folder that a relative path in `target` starts from. */
  readonly folder: string;
  readonly timeoutMillis?: number;
  readonly maxRows?: number;
  /** How old an answer may be that is given again. */
  readonly cacheMillis?: number;
  readonly options?: Readonly<Record<string, string>>;
  readonly ssh?: SshConfig;
}

/** A connection on loan, with what a caller needs to use it and to read its errors. */
export interface Borrowed extends Loan {
  readonly name: string;
  readonly driver: Driver;
}

export interface ConnectionReport {
  readonly name: string;
  readonly engine: string;
  readonly display: string;
  readonly state: "idle" | "open" | "failed";
  readonly readOnly?: ReadOnlyProof["state"];
  readonly error?: string;
}

/** Named connections, opened on first use. A dead one never stops the others. */
export interface Connections {
  readonly names: readonly string[];
  /** The name meant by a call: the given one, or the only one. @throws NOT_FOUND, INPUT_INVALID */
  pick(name: string | undefined): string;
  settings(name: string): ConnectionSettings;
  facts(name: string): Driver["facts"];
  /** See `Driver.roleSql`; `undefined` where the engine has nothing of the kind. */
  roleSql(name: string, request: Omit<RoleRequest, "target">): string | undefined;
  borrow(name: string, access: "read" | "write", signal: AbortSignal): Promise<Borrowed>;
  proof(name: string, signal: AbortSignal): Promise<ReadOnlyProof>;
  reports(): ConnectionReport[];
  close(): Promise<void>;
}

export function createConnections(deps: {
  readonly connections: readonly ConnectionSettings[];
  readonly drivers: readonly Driver[];
  readonly secrets: Secrets;
  /** For each connection, reads and writes apart. */
  readonly limits: PoolLimits;
  /** Told when a connection could not be proved read-only. */
  readonly unproved: (connection: string, why: string) => void;
  /** Told when another file is found where a connection's was, or none. */
  readonly replaced?: (connection: string) => void;
}): Connections {
  const settings = new Map(deps.connections.map((entry) => [entry.name, entry]));
  const resolved = new Map<string, ResolvedTarget>();
  const pools = new Map<string, Pool>();
  const tunnels = new Map<string, Tunnels>();

  const known = (name: string): ConnectionSettings => {
    const found = settings.get(name);
    if (found === undefined) throw problem("NOT_FOUND", `No connection is named "${name}"`, nameHint(name, [...settings.keys()]));
    return found;
  };
  const target = (name: string): ResolvedTarget => {
    const entry = known(name);
    const found = resolved.get(name) ?? resolveTarget(entry.target, deps.drivers, entry);
    resolved.set(name, found);
    return found;
  };
  const tunnel = (name: string): Tunnels | undefined => {
    const { ssh } = known(name);
    if (ssh === undefined) return undefined;
    const { title, tunnels: fits } = target(name).driver.facts;
    if (!fits) throw problem("UNSUPPORTED", `${title} cannot be reached over SSH`, `Remove connections.${name}.ssh`);
    const found = tunnels.get(name) ?? createTunnels(ssh);
    tunnels.set(name, found);
    return found;
  };
  const pool = (name: string, access: "read" | "write"): Pool => {
    const key = `${access} ${name}`;
    const found =
      pools.get(key) ??
      createPool({
        name,
        limits: deps.limits,
        open: (signal) =>
          open({
            resolved: target(name),
            unlock: (target) => unlocked(target, known(name), deps.secrets, signal),
            options: { readOnly: access === "read", signal },
            tunnels: tunnel(name),
          }),
        resets: access === "write",
        replaced: () => deps.replaced?.(name),
        ...(access === "read" && { proveAfterMillis: 50, unproved: (why) => deps.unproved(name, why) }),
      });
    pools.set(key, found);
    return found;
  };

  return {
    names: [...settings.keys()],
    pick(name) {
      if (name !== undefined) return known(name).name;
      const [only, ...others] = settings.keys();
      if (only === undefined)
        throw problem("NOT_FOUND", "No connection is configured", "Add one: tidegate serve --connection shop=./shop.db");
      if (others.length > 0)
        throw problem(
          "INPUT_INVALID",
          "Several connections are configured and none was named",
          `Name one of: ${[...settings.keys()].join(", ")}`,
        );
      return only;
    },
    settings: known,
    facts: (name) => target(name).driver.facts,
    roleSql: (name, request) => target(name).driver.roleSql?.({ ...request, target: target(name).target }),
    async borrow(name, access, signal) {
      const { driver } = target(name);
      const loan = await pool(name, access).take(signal);
      return { ...loan, name, driver };
    },
    async proof(name, signal) {
      try {
        return await pool(name, "read").proof(signal);
      } catch (error) {
        throw diagnosed(error, target(name).driver);
      }
    },
    reports: () => [...settings.keys()].map((name) => report(name, target, pools.get(`read ${name}`))),
    async close() {
      await Promise.all([...pools.values()].map((entry) => entry.close()));
      await Promise.all([...tunnels.values()].map((entry) => entry.close()));
    },
  };
}

interface Opening {
  readonly resolved: ResolvedTarget;
  readonly unlock: (target: Target) => Promise<Target>;
  readonly options: ConnectOptions;
  readonly tunnels: Tunnels | undefined;
}

async function open(opening: Opening, again = false): Promise<Connection> {
  const { resolved, unlock, options, tunnels } = opening;
  const { driver, target, display } = resolved;
  const deaths = tunnels?.deaths;
  try {
    return await driver.connect(await unlock(target), { ...options, ...(tunnels && { reach: tunnels.reach }) });
  } catch (error) {
    if (options.signal.aborted) throw error;
    const refused = error instanceof Problem ? error : await tunnels?.refusal();
    if (tunnels?.deaths !== deaths && !again) return open(opening, true);
    const reported = refused ?? diagnosed(error, driver);
    if (!(reported instanceof Problem) || reported === error || reported.message.includes(display)) throw reported;
    throw new Problem({ ...toPublic(reported), message: `Cannot open ${display}: ${reported.message}` }, error);
  }
}

/** What an engine's error means, by its driver; what the driver does not recognise stays what it is. */
export function diagnosed(error: unknown, driver: Driver): unknown {
  const diagnosis = error instanceof Problem ? undefined : driver.diagnose(error);
  return diagnosis === undefined ? error : new Problem(diagnosis, error);
}

function report(name: string, target: (name: string) => ResolvedTarget, pool: Pool | undefined): ConnectionReport {
  try {
    const { driver, display } = target(name);
    const state = pool?.failure !== undefined ? "failed" : pool !== undefined && pool.open > 0 ? "open" : "idle";
    return {
      name,
      engine: driver.facts.title,
      display,
      state,
      ...(pool?.proved && { readOnly: pool.proved.state }),
      ...(pool?.failure !== undefined && { error: pool.failure }),
    };
  } catch (error) {
    return { name, engine: "unknown", display: "", state: "failed", error: asProblem(error).message };
  }
}

function nameHint(name: string, names: readonly string[]): string {
  return (
    didYouMean(name, names) ??
    (names.length === 0 ? "Add one: tidegate serve --connection shop=./shop.db" : `Use one of: ${names.join(", ")}`)
  );
}
