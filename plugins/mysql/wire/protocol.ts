import { connectionLost } from "../refusal.ts";
import { Cursor } from "./cursor.ts";
import { type ColumnDefinition, readDefinition } from "./definition.ts";
import type { PacketStream } from "./packet-stream.ts";

/** https://dev.mysql.com/doc/dev/mysql-server/latest/my__command_8h.html */
const command = { quit: 0x01, query: 0x03, prepare: 0x16, execute: 0x17, closeStatement: 0x19, reset: 0x1f };
const endHead = 0xfe;
const errorHead = 0xff;
const localFileHead = 0xfb;

/** https://dev.mysql.com/doc/dev/mysql-server/latest/mysql__com_8h.html */
export const serverStatus = { inTransaction: 0x0001, inReadOnlyTransaction: 0x2000 };

/** The server's own error. */
export interface ServerError extends Error {
  readonly errno: number;
  readonly sqlState: string;
}

export function isServerError(error: unknown): error is ServerError {
  return error instanceof Error && "errno" in error && typeof error.errno === "number" && error.errno > 0 && "sqlState" in error;
}

/** A statement the server holds. Whoever prepared it closes it. */
export interface Statement {
  readonly id: number;
  readonly parameters: number;
  readonly columns: readonly ColumnDefinition[];
}

/** What an execution answers before its rows: columns, or what it changed. */
export interface Answer {
  readonly columns: readonly ColumnDefinition[];
  /** False when no rows follow. */
  readonly rows: boolean;
  readonly affectedRows: number;
}

export const quit = Uint8Array.of(command.quit);
/** Rolls back and drops variables, settings, temporary tables, locks and prepared statements; user and database stay. */
export const resetCommand = Uint8Array.of(command.reset);
export const queryCommand = (sql: string): Uint8Array => withText(command.query, sql);
export const prepareCommand = (sql: string): Uint8Array => withText(command.prepare, sql);
export const closeCommand = ({ id }: Statement): Uint8Array => withId(command.closeStatement, id, 0);

/** `parameters` as `encodeParameters` makes them; one iteration, no cursor: the server sends rows as it finds them. */
export function executeCommand({ id }: Statement, parameters: Uint8Array): Uint8Array {
  const head = withId(command.execute, id, 5);
  head.writeUInt32LE(1, 6);
  return Buffer.concat([head, parameters]);
}

export async function readPrepared(packets: PacketStream): Promise<Statement> {
  await nextOk(packets);
  const cursor = new Cursor(packets);
  cursor.at++;
  const id = cursor.integer(4);
  const width = cursor.integer(2);
  const parameters = cursor.integer(2);
  await readDefinitions(packets, parameters);
  return { id, parameters, columns: await readDefinitions(packets, width) };
}

export async function readAnswer(packets: PacketStream): Promise<Answer> {
  await nextOk(packets);
  const cursor = new Cursor(packets);
  const width = cursor.length();
  if (width > 0) return { columns: await readDefinitions(packets, width), rows: true, affectedRows: 0 };
  const affectedRows = cursor.length();
  cursor.length();
  packets.status = cursor.integer(2);
  return { columns: [], rows: false, affectedRows };
}

/** True at the packet after the last row. @throws the server's error, when one ended the rows */
export function isEnd(packets: PacketStream): boolean {
  const head = packets.bytes[packets.start];
  if (head === errorHead) throw serverError(packets);
  if (head !== endHead || packets.end - packets.start >= 9) return false;
  packets.status = packets.bytes.readUInt16LE(packets.start + 3);
  return true;
}

/** The rows of a text-protocol answer; the driver's own statements only. */
export async function readTexts(packets: PacketStream): Promise<(string | null)[][]> {
  const { columns, rows } = await readAnswer(packets);
  const found: (string | null)[][] = [];
  while (rows) {
    await packets.next();
    if (isEnd(packets)) break;
    const cursor = new Cursor(packets);
    found.push(columns.map(() => cursor.nullableText()));
  }
  return found;
}

/** Runs this driver's own statements and commands in one round trip. @throws the first error of the server, once all are answered */
export async function askTexts(packets: PacketStream, ...asked: readonly (string | Uint8Array)[]): Promise<(string | null)[][][]> {
  packets.send(...asked.map((one) => (typeof one === "string" ? queryCommand(one) : one)));
  const results: (string | null)[][][] = [];
  let refused: unknown;
  for (const _ of asked) {
    const rows = await readTexts(packets).catch((error) => {
      if (!isServerError(error)) throw error;
      refused ??= error;
      return [];
    });
    results.push(rows);
  }
  if (refused !== undefined) throw refused;
  return results;
}

async function readDefinitions(packets: PacketStream, count: number): Promise<ColumnDefinition[]> {
  const definitions: ColumnDefinition[] = [];
  if (count === 0) return definitions;
  for (let index = 0; index < count; index++) {
    await packets.next();
    definitions.push(readDefinition(new Cursor(packets), packets.extendedMetadata));
  }
  await packets.next();
  return definitions;
}

async function nextOk(packets: PacketStream): Promise<void> {
  await packets.next();
  const head = packets.bytes[packets.start];
  if (head === errorHead) throw serverError(packets);
  if (head !== localFileHead) return;
  // Never negotiated: only a hostile server asks for a file of ours.
  packets.fail(connectionLost());
  throw connectionLost();
}

function serverError(packets: PacketStream): ServerError {
  packets.status = undefined;
  const cursor = new Cursor(packets);
  cursor.at++;
  const errno = cursor.integer(2);
  const hasState = cursor.bytes[cursor.at] === 0x23;
  const sqlState = hasState ? cursor.take(6).toString("latin1", 1) : "HY000";
  return Object.assign(new Error(cursor.take(cursor.end - cursor.at).toString()), { errno, sqlState });
}

function withText(code: number, text: string): Uint8Array {
  return Buffer.concat([Uint8Array.of(code), Buffer.from(text)]);
}

function withId(code: number, id: number, room: number): Buffer {
  const bytes = Buffer.alloc(5 + room);
  bytes[0] = code;
  bytes.writeUInt32LE(id, 1);
  return bytes;
}
