import { randomUUID } from "node:crypto";
import type { BeginOptions, Connection, Transaction } from "../contract/driver.ts";
import type { Principal } from "../contract/policy.ts";
import { asProblem, type Problem, problem } from "../problem.ts";
import { type Borrowed, type Connections, diagnosed } from "./connections.ts";

/** How many transactions that have ended are remembered, so that their owners can be told why. */
const mostRemembered = 100;
const resetMillis = 5000;

/** Transactions that outlive a call. Each belongs to the one who began it, and holds a connection until it ends. */
export interface Leases {
  /** Begins one and gives its id. @throws UNSUPPORTED, POLICY_DENIED, RATE_LIMITED */
  begin(connection: string, principal: Principal, options: BeginOptions): Promise<string>;
  /**
   * Takes the transaction for one statement; given back as broken, it is over. @throws CONFLICT while another
   * statement runs or when it has ended, NOT_FOUND for an id that is not the caller's
   */
  use(id: string, principal: Principal): Use;
  /** @throws what `use` throws, and why the engine could not commit; the transaction has ended either way */
  commit(id: string, principal: Principal, signal: AbortSignal): Promise<void>;
  rollback(id: string, principal: Principal): Promise<void>;
  /** Rolls everything back. */
  close(): Promise<void>;
}

/** A transaction, borrowed for one statement. */
export interface Use extends Borrowed {
  readonly access: "read" | "write";
}

interface Held {
  readonly owner: string;
  readonly borrowed: Borrowed;
  readonly transaction: Transaction;
  readonly readOnly: boolean;
  idle: ReturnType<typeof setTimeout> | undefined;
}

export function createLeases(deps: {
  readonly connections: Connections;
  /** A transaction nobody uses for so long is rolled back. */
  readonly idleMillis: number;
  readonly mostPerPrincipal: number;
}): Leases {
  const { connections } = deps;
  const held = new Map<string, Held>();
  const ended = new Map<string, { readonly owner: string; readonly why: string }>();
  const counts = new Map<string, number>();

  const count = (owner: string, change: 1 | -1) => {
    const now = (counts.get(owner) ?? 0) + change;
    if (now === 0) counts.delete(owner);
    else counts.set(owner, now);
  };

  const end = async (id: string, why: string, last: (transaction: Transaction) => Promise<void>, broken = false): Promise<void> => {
    const lease = held.get(id);
    if (lease === undefined) return;
    held.delete(id);
    clearTimeout(lease.idle);
    count(lease.owner, -1);
    ended.set(id, { owner: lease.owner, why });
    const [oldest] = ended.keys();
    if (ended.size > mostRemembered && oldest !== undefined) ended.delete(oldest);
    let clean = false;
    try {
      await last(lease.transaction);
      // After a writer the pool does this by itself.
      if (!broken && lease.readOnly) await lease.borrowed.connection.reset?.(AbortSignal.timeout(resetMillis));
      clean = !broken;
    } catch (error) {
      throw diagnosed(error, lease.borrowed.driver);
    } finally {
      await lease.borrowed.release(!clean);
    }
  };
  const dispose = (transaction: Transaction) => Promise.resolve(transaction[Symbol.asyncDispose]());
  /** Nobody is there to be told: what could not be rolled back goes with its connection, and the engine rolls it back then. */
  const abandon = (id: string, why: string, broken = false) => end(id, why, dispose, broken).catch(() => undefined);

  const rest = (id: string, lease: Held) => {
    const seconds = deps.idleMillis / 1000;
    lease.idle = setTimeout(() => void abandon(id, `it was rolled back, because it was idle for ${seconds} s`), deps.idleMillis);
    lease.idle.unref?.();
  };

  /** Wakes a resting transaction of the caller. */
  const wake = (id: string, principal: Principal): Held => {
    const owner = ownerOf(principal);
    const lease = held.get(id);
    const past = ended.get(id);
    if (lease?.owner === owner && lease.borrowed.connection.ended) {
      void abandon(id, lost, true);
      throw over(lost);
    }
    if (lease?.owner === owner) {
      if (lease.idle === undefined)
        throw problem("CONFLICT", "The transaction runs another statement", "Send its statements one after the other");
      clearTimeout(lease.idle);
      lease.idle = undefined;
      return lease;
    }
    if (past?.owner === owner) throw over(past.why);
    throw problem("NOT_FOUND", "There is no such transaction", "Begin one first");
  };

  const start = async (borrowed: Borrowed, options: BeginOptions): Promise<Transaction> => {
    try {
      const transaction = await borrowed.connection.begin?.(options);
      if (transaction !== undefined) return transaction;
      const message = `${borrowed.driver.facts.title} has no transactions that span calls here`;
      throw problem("UNSUPPORTED", message, "Send each statement in a call of its own");
    } catch (error) {
      const reported = diagnosed(error, borrowed.driver);
      await borrowed.release(options.signal.aborted || isLost(reported));
      throw reported;
    }
  };

  return {
    async begin(name, principal, options) {
      const owner = ownerOf(principal);
      if (!options.readOnly && !connections.settings(name).write) {
        const hint = `Set connections.${name}.write to true, if writing is meant`;
        throw problem("POLICY_DENIED", `Connection "${name}" is read-only`, hint);
      }
      if ((counts.get(owner) ?? 0) >= deps.mostPerPrincipal) {
        const open = deps.mostPerPrincipal === 1 ? "another transaction is" : `${deps.mostPerPrincipal} transactions are`;
        throw problem("RATE_LIMITED", `Cannot begin a transaction: ${open} open`, "Commit or roll back one that is open first");
      }
      count(owner, 1);
      try {
        const borrow = () => connections.borrow(name, options.readOnly ? "read" : "write", options.signal);
        let borrowed = await borrow();
        const transaction = await start(borrowed, options).catch(async (error) => {
          // Nothing has begun: a connection that died while it was idle is no reason to fail.
          if (!borrowed.reused || !isLost(error) || options.signal.aborted) throw error;
          borrowed = await borrow();
          return start(borrowed, options);
        });
        const id = randomUUID();
        const lease: Held = { owner, borrowed, transaction, readOnly: options.readOnly, idle: undefined };
        held.set(id, lease);
        rest(id, lease);
        return id;
      } catch (error) {
        count(owner, -1);
        throw error;
      }
    },
    use(id, principal) {
      const lease = wake(id, principal);
      const { borrowed, transaction, readOnly } = lease;
      return {
        ...borrowed,
        reused: false,
        access: readOnly ? "read" : "write",
        connection: within(transaction, borrowed.connection),
        async release(broken = false) {
          if (held.get(id) !== lease || lease.idle !== undefined) return;
          if (broken) await abandon(id, "it was rolled back, because a statement of it was stopped or lost its connection", true);
          else rest(id, lease);
        },
      };
    },
    async commit(id, principal, signal) {
      wake(id, principal);
      await end(id, "it was committed, or could not be", (transaction) => transaction.commit(signal));
    },
    async rollback(id, principal) {
      wake(id, principal);
      await end(id, "it was rolled back", (transaction) => transaction.rollback());
    },
    async close() {
      await Promise.all([...held.keys()].map((id) => abandon(id, "it was rolled back, because tidegate ends")));
    },
  };
}

const lost = "it was rolled back, because its connection was lost";

function over(why: string): Problem {
  return problem("CONFLICT", `The transaction has ended: ${why}`, "Begin another one");
}

function isLost(error: unknown): boolean {
  return asProblem(error).code === "CONNECTION_FAILED";
}

function ownerOf({ via, id }: Principal): string {
  return `${via} ${id}`;
}

/** The connection as its transaction offers it: it looks at statements and runs them, and nothing else. */
function within(transaction: Transaction, connection: Connection): Connection {
  const refuse = async () => {
    throw problem("UNSUPPORTED", "Inside a transaction nothing but statements can be run", "Do this outside of the transaction");
  };
  return {
    query: (sql, params, options) => transaction.query(sql, params, options),
    analyze: (...asked) => connection.analyze(...asked),
    ping: (signal) => connection.ping(signal),
    explain: refuse,
    catalog: { read: refuse },
    proveReadOnly: refuse,
    [Symbol.asyncDispose]: async () => undefined,
  };
}
