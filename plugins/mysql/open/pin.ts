import { refusal } from "../refusal.ts";
import type { PacketStream } from "../wire/packet-stream.ts";
import { askTexts, resetCommand } from "../wire/protocol.ts";
import type { Settings } from "./settings.ts";

/** What a session knows of its server. */
export interface Facts {
  /** The server's number for this connection. */
  readonly id: string;
  readonly isMariaDb: boolean;
  readonly mostPacketBytes: number;
}

/** Where a session stands: what the server's own reset leaves as it is. */
export interface Place {
  readonly database: string | undefined;
  readonly user: string;
}

/** Older ones lack what the catalog reads and what takes back a caller's settings. */
const oldest = { MariaDB: [10, 3], MySQL: [8, 0] } as const;
/** These change how SQL is read or values are written. */
const unwanted = ["ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ANSI", "ORACLE", "PAD_CHAR_TO_FULL_LENGTH", "IGNORE_SPACE"];
const modes = unwanted.reduce((rest, mode) => `replace(${rest}, ',${mode},', ',')`, "concat(',', @@sql_mode, ',')");
const set = `set names utf8mb4, autocommit = 1, time_zone = '+00:00', group_concat_max_len = 4294967295, sql_mode = trim(both ',' from ${modes})`;
const look = (readOnly: string): string =>
  `select @@sql_mode, @@time_zone, @@character_set_client, ${readOnly}, database(), concat_ws(' as ', current_user(), nullif(current_role(), 'NONE'))`;

/** Asks a server what it is. @throws where it is too old */
export async function identify(packets: PacketStream): Promise<Facts> {
  const [[[version = "", id = "", packet] = []] = []] = await askTexts(packets, "select version(), connection_id(), @@max_allowed_packet");
  const isMariaDb = /mariadb/i.test(version ?? "");
  const name = isMariaDb ? "MariaDB" : "MySQL";
  const [major = 0, minor = 0] = (version ?? "").split(".").map((part) => Number.parseInt(part, 10));
  const [least, leastMinor] = oldest[name];
  if (major < least || (major === least && minor < leastMinor)) {
    const message = `The server is too old: ${name} ${least}.${leastMinor} or newer is needed, and it is "${version}"`;
    throw refusal({ code: "UNSUPPORTED", message, hint: "Upgrade the server, or use another one" });
  }
  return { id: id ?? "", isMariaDb, mostPacketBytes: Number(packet) };
}

/** Sets all that changes how SQL is read or values are written, after a reset where asked, and looks whether it holds; one round trip. */
export async function pinSession(
  packets: PacketStream,
  { maxStatementSeconds }: Settings,
  { isMariaDb, readOnly, reset = false }: { readonly isMariaDb: boolean; readonly readOnly: boolean; readonly reset?: boolean },
): Promise<Place> {
  const wall = isMariaDb
    ? `set max_statement_time = ${maxStatementSeconds}`
    : `set max_execution_time = ${Math.min(maxStatementSeconds * 1000, 4294967295)}`;
  // A statement that commits by itself would leave a read-only transaction behind and write after it.
  const access = `set session transaction ${readOnly ? "read only" : "read write"}`;
  const answers = await askTexts(
    packets,
    ...(reset ? [resetCommand] : []),
    set,
    wall,
    access,
    look(isMariaDb ? "@@tx_read_only" : "@@transaction_read_only"),
  );
  const [mode, zone, charset, isReadOnly, database, user] = answers.at(-1)?.[0] ?? [];
  const isRead = mode != null && !/ANSI|NO_BACKSLASH_ESCAPES|ORACLE|IGNORE_SPACE/.test(mode);
  if (!isRead || zone !== "+00:00" || charset !== "utf8mb4" || isReadOnly !== (readOnly ? "1" : "0")) {
    const message = "The server did not take the session settings that exact values and safe reading need";
    throw refusal({ code: "CONNECTION_FAILED", message, hint: "Check init_connect and any proxy before the server", retryable: false });
  }
  return { database: database ?? undefined, user: user ?? "" };
}
