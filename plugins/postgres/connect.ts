import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import postgres from "postgres";
import { refusal } from "./refusal.ts";
import type { Place, Settings } from "./target/settings.ts";
import type { BackendKey } from "./wire/cancel.ts";
import { loginSocket } from "./wire/login.ts";
import { terminate } from "./wire/messages.ts";
import { openSocket, type Protection, protections } from "./wire/socket.ts";
import { lost, Wire } from "./wire/wire.ts";

/** What the server says about the session and its role. */
export interface Facts {
  readonly version: number;
  readonly recovering: boolean;
  /** Whether a transaction of this session only reads unless it says otherwise. */
  readonly readsByDefault: boolean;
  readonly superuser: boolean;
  /** The role may read or write files of the server, or run programs there. */
  readonly files: boolean;
  readonly replication: boolean;
}

/** An authenticated session whose socket is ours. */
export interface Opened {
  readonly wire: Wire;
  readonly place: Place;
  readonly protection: Protection;
  readonly key: BackendKey;
  readonly facts: Facts;
  /** Set where a pooler keeps no settings between transactions: each transaction then begins with these. */
  readonly pins: Readonly<Record<string, string>> | undefined;
  close(): Promise<void>;
}

interface Attempt {
  readonly settings: Settings;
  readonly place: Place;
  readonly protection: Protection;
  readonly signal: AbortSignal;
}

/** Texts that are the same whatever the server, the role or the environment prefers. */
export function pinned({ parameters }: Settings, readOnly: boolean): Record<string, string> {
  return {
    TimeZone: "UTC",
    DateStyle: "ISO, YMD",
    IntervalStyle: "postgres",
    extra_float_digits: "1",
    bytea_output: "hex",
    standard_conforming_strings: "on",
    default_transaction_read_only: readOnly ? "on" : "off",
    // Walls behind the caller's own time limit, for the day when nobody is left to cancel.
    statement_timeout: "1h",
    lock_timeout: "10s",
    idle_in_transaction_session_timeout: "5min",
    ...parameters,
  };
}

/** Tries hosts, and ways to reach each, in libpq's order. @throws what the last of them said */
export async function openSession(settings: Settings, readOnly: boolean, signal: AbortSignal): Promise<Opened> {
  const kinds = settings.sessionKind === "prefer-standby" ? (["standby", "any"] as const) : [settings.sessionKind];
  let failure: unknown;
  for (const kind of kinds) {
    for (const place of settings.places) {
      for (const protection of protections(settings, place)) {
        signal.throwIfAborted();
        try {
          const attempt = { settings, place, protection, signal };
          const opened = await openOnce(attempt, pinned(settings, readOnly));
          let isFit = false;
          try {
            isFit = await fits(opened.facts, kind, attempt);
            if (isFit) return opened;
          } finally {
            if (!isFit) await opened.close();
          }
          failure = refusal({
            code: "CONNECTION_FAILED",
            message: `No server is ${kind}, as target_session_attrs asks`,
            hint: "Name a server that is, or leave target_session_attrs out",
          });
          break;
        } catch (error) {
          failure = error;
          if (isFinal(error, protection)) throw error;
        }
      }
    }
  }
  throw failure;
}

async function fits({ recovering }: Facts, kind: Settings["sessionKind"], attempt: Attempt): Promise<boolean> {
  if (kind === "any" || kind === "prefer-standby") return true;
  if (kind === "standby") return recovering;
  if (kind === "primary") return !recovering;
  return (recovering || (await readsByDefault(attempt))) === (kind === "read-only");
}

/** Only a session without our own settings tells what the server, the database and the role prefer. */
async function readsByDefault(attempt: Attempt): Promise<boolean> {
  const probe = await openOnce(attempt, { ...attempt.settings.parameters });
  await probe.close();
  return probe.facts.readsByDefault;
}

/** A server that answered and said no will not say yes at another address; `pg_hba.conf` may, to another kind of connection. */
function isFinal(error: unknown, protection: Protection): boolean {
  const code = (error as { readonly code?: unknown } | null)?.code;
  if (error instanceof Error && "diagnosis" in error) return (error.diagnosis as { retryable?: boolean }).retryable !== true;
  if (code === "28000") return protection === "tls";
  return typeof code === "string" && /^(?:28|3D|42)/.test(code);
}

async function openOnce(attempt: Attempt, pins: Record<string, string>): Promise<Opened> {
  try {
    return await open(attempt, pins, pins);
  } catch (error) {
    // pgbouncer takes only the settings that it tracks for each client.
    if (!/unsupported startup parameter/.test((error as Error).message)) throw error;
    const { application_name = "tidegate" } = attempt.settings.parameters;
    return await open(attempt, { application_name }, pins);
  }
}

const factsSql = `select current_setting('server_version_num')::int, pg_is_in_recovery()::int, rolsuper::int, rolreplication::int,
  (select count(*)::int from pg_roles where rolname in ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program') and pg_has_role(oid, 'member')),
  (current_setting('TimeZone') = $1 and current_setting('IntervalStyle') = 'postgres' and current_setting('default_transaction_read_only') = $2)::int,
  (select count(set_config(name, '10s', false))::int from pg_settings where name = 'client_connection_check_interval'),
  (current_setting('transaction_read_only') = 'on')::int
  from pg_roles where rolname = current_user`;

/**
 * postgres.js does what only it should: the start of a session. Then the socket is ours, because
 * postgres.js knows the columns only after the first row, converts parameters, and copies out a row at a time.
 */
async function open(
  { settings, place, protection, signal }: Attempt,
  startup: Record<string, string>,
  pins: Record<string, string>,
): Promise<Opened> {
  const limit = settings.connectMillis === 0 ? signal : AbortSignal.any([signal, AbortSignal.timeout(settings.connectMillis)]);
  let socket: Socket | undefined;
  let front: Duplex | undefined;
  let failure: unknown;
  const sql = createClient(settings, place, startup, async () => {
    // It would connect again by itself, to a session that nobody has prepared.
    if (socket !== undefined || failure !== undefined) throw failure ?? lost();
    try {
      socket = await openSocket(settings, place, protection, limit);
      front = loginSocket(socket, place, settings);
      return front;
    } catch (error) {
      failure = error;
      throw error;
    }
  });
  const abort = () => socket?.destroy();
  limit.addEventListener("abort", abort, { once: true });
  try {
    const query = sql.unsafe(factsSql, [pins.TimeZone ?? "", pins.default_transaction_read_only ?? ""]).values();
    const [row = []] = await query;
    const [version = 0, recovering = 0, superuser = 0, replication = 0, files = 0, keepsPins = 0, , reads = 0] = row as readonly number[];
    // The types of postgres.js leave out the key that cancelling needs.
    const key = (query as unknown as { readonly state: BackendKey }).state;
    if (socket === undefined) throw lost();
    if (version < oldest) throw tooOld(version);
    const wire = new Wire(socket);
    front?.removeAllListeners().destroy();
    return {
      wire,
      place,
      protection,
      key: { ...key },
      facts: {
        version,
        recovering: recovering === 1,
        readsByDefault: reads === 1,
        superuser: superuser === 1,
        replication: replication === 1,
        files: files > 0,
      },
      pins: keepsPins === 1 ? undefined : pins,
      close: () => wire.close(terminate),
    };
  } catch (error) {
    socket?.destroy();
    signal.throwIfAborted();
    if (limit.aborted) throw unanswered(place, settings.connectMillis, error);
    throw failure ?? error;
  } finally {
    limit.removeEventListener("abort", abort);
  }
}

function createClient(settings: Settings, place: Place, connection: Record<string, string>, socket: () => Promise<Duplex>) {
  const variable = "PGTARGETSESSIONATTRS";
  const asked = process.env[variable];
  // postgres.js reads it by itself, and would take a session that we made read-only for a standby.
  delete process.env[variable];
  try {
    // Its types do not know the option `socket`.
    const options: postgres.Options<Record<string, never>> & { readonly socket: () => Promise<Duplex> } = {
      host: place.host,
      port: place.port,
      user: settings.user,
      database: settings.database,
      ...(place.password !== undefined && { pass: place.password }),
      ssl: false,
      max: 1,
      prepare: false,
      fetch_types: false,
      idle_timeout: 0,
      max_lifetime: 0,
      connect_timeout: 0,
      keep_alive: 0,
      backoff: false,
      onnotice: () => undefined,
      connection,
      socket,
    };
    return postgres(options);
  } finally {
    if (asked !== undefined) process.env[variable] = asked;
  }
}

/** PostgreSQL 12 was the first to write floats in their shortest exact form. */
const oldest = 120_000;

function tooOld(version: number): Error {
  return refusal({
    code: "UNSUPPORTED",
    message: `The server is PostgreSQL ${Math.floor(version / 10_000)}, and this driver needs 12 or newer`,
    hint: "Connect to a newer server",
    retryable: false,
  });
}

function unanswered({ host, port }: Place, millis: number, cause: unknown): Error {
  return refusal(
    {
      code: "CONNECTION_FAILED",
      message: `The server at "${host}" port ${port} gave no answer within ${millis / 1000} s`,
      hint: "Check host, port and firewall, or raise connect_timeout",
      retryable: true,
    },
    cause,
  );
}
