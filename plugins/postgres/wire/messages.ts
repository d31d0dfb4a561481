/** What a client says in PostgreSQL's protocol 3.0: https://www.postgresql.org/docs/current/protocol-message-formats.html */

const nothing = Buffer.alloc(0);

function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = parts.length === 1 ? (parts[0] ?? nothing) : Buffer.concat(parts);
  const head = Buffer.allocUnsafe(5);
  head.write(type, 0, "latin1");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

function int16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** The simple protocol: for this driver's own statements only, it takes several. */
export const query = (sql: string) => message("Q", text(sql));

/** Always the unnamed statement: a pooler may hand the next transaction to another server. The server guesses each parameter's type. */
export const parse = (sql: string) => message("P", text(""), text(sql), int16(0));

export const describeStatement = message("D", Buffer.from("S\0"));

/** Binds texts and asks for texts: the text form is the only one that is exact for every type. */
export function bind(portal: string, params: readonly (string | null)[]): Buffer {
  const values = params.flatMap((value) => {
    if (value === null) return [int32(-1)];
    const bytes = Buffer.from(value);
    return [int32(bytes.length), bytes];
  });
  return message("B", text(portal), text(""), int16(0), int16(params.length), ...values, int16(0));
}

/** `most` rows, or all of them for 0. */
export const execute = (portal: string, most: number) => message("E", text(portal), int32(most));

export const saslInitial = (mechanism: string, first: string) =>
  message("p", text(mechanism), int32(Buffer.byteLength(first)), Buffer.from(first));
export const saslResponse = (answer: string) => message("p", Buffer.from(answer));

export const terminate = message("X");
export const sync = message("S");
export const flush = message("H");
export const copyFail = message("f", text("This driver copies nothing in"));

export function cancelRequest(pid: number, secret: number): Buffer {
  const bytes = Buffer.concat([int32(16), int32(80877102), int32(0), int32(0)]);
  bytes.writeUInt32BE(pid, 8);
  bytes.writeUInt32BE(secret, 12);
  return bytes;
}

export const sslRequest = Buffer.concat([int32(8), int32(80877103)]);
