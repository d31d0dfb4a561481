import { connectionLost, refusal } from "../refusal.ts";
import type { PacketStream } from "../wire/packet-stream.ts";
import { queryCommand, readAnswer, readTexts } from "../wire/protocol.ts";
import type { Settings } from "./settings.ts";

/** What a session knows of its server. */
export interface Facts {
  readonly id: string;
  readonly database: string | undefined;
  readonly isMariaDb: boolean;
  readonly mostPacketBytes: number;
}

/** Sets all that changes how SQL is read or values are written, and looks whether it holds. */
export async function pinSession(
  packets: PacketStream,
  { maxStatementSeconds }: Settings,
  readOnly: boolean,
  signal: AbortSignal,
): Promise<Facts> {
  const abort = () => packets.fail(connectionLost());
  signal.addEventListener("abort", abort, { once: true });
  try {
    const set =
      "set names utf8mb4, autocommit = 1, time_zone = '+00:00', group_concat_max_len = 4294967295, sql_mode = trim(both ',' from replace(replace(replace(replace(replace(concat(',', @@sql_mode, ','), ',ANSI_QUOTES,', ','), ',NO_BACKSLASH_ESCAPES,', ','), ',ANSI,', ','), ',ORACLE,', ','), ',PAD_CHAR_TO_FULL_LENGTH,', ','))";
    const look = "select connection_id(), database(), version(), @@max_allowed_packet, @@sql_mode, @@time_zone, @@character_set_client";
    packets.send(queryCommand(set), queryCommand(look));
    await readAnswer(packets);
    const [[id, database, version, packet, mode, zone, charset] = []] = await readTexts(packets);
    if (/ANSI_QUOTES|NO_BACKSLASH_ESCAPES/.test(mode ?? "") || zone !== "+00:00" || charset !== "utf8mb4") {
      const message = "The server did not take the session settings that exact values need";
      throw refusal({ code: "CONNECTION_FAILED", message, hint: "Check init_connect and any proxy before the server", retryable: false });
    }
    const isMariaDb = /mariadb/i.test(version ?? "");
    const wall = isMariaDb
      ? `set max_statement_time = ${maxStatementSeconds}`
      : `set max_execution_time = ${Math.min(maxStatementSeconds * 1000, 4294967295)}`;
    // A statement that commits by itself would leave a read-only transaction behind and write after it.
    packets.send(queryCommand(wall), queryCommand(`set session transaction ${readOnly ? "read only" : "read write"}`));
    await readAnswer(packets);
    await readAnswer(packets);
    return { id: id ?? "", database: database ?? undefined, isMariaDb, mostPacketBytes: Number(packet) };
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
