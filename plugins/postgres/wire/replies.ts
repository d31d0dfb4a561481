/** What a server's messages hold; `start` is where a message's body begins. */

export interface Field {
  readonly name: string;
  /** The table and column it came from; 0 for an expression. */
  readonly table: number;
  readonly attribute: number;
  readonly type: number;
  readonly modifier: number;
}

export function readFields(bytes: Buffer, start: number): Field[] {
  let at = start + 2;
  return Array.from({ length: bytes.readUInt16BE(start) }, () => {
    const end = bytes.indexOf(0, at);
    const name = bytes.toString("utf8", at, end);
    at = end + 19;
    return {
      name,
      table: bytes.readUInt32BE(end + 1),
      attribute: bytes.readInt16BE(end + 5),
      type: bytes.readUInt32BE(end + 7),
      modifier: bytes.readInt32BE(end + 13),
    };
  });
}

export function readParameterTypes(bytes: Buffer, start: number): number[] {
  return Array.from({ length: bytes.readUInt16BE(start) }, (_, index) => bytes.readUInt32BE(start + 2 + index * 4));
}

export type Cells = readonly (string | null)[];

/** The cells of a data row, as texts. */
export function readCells({ bytes, start }: { readonly bytes: Buffer; readonly start: number }): Cells {
  let at = start + 2;
  return Array.from({ length: bytes.readUInt16BE(start) }, () => {
    const length = bytes.readInt32BE(at);
    at += 4;
    if (length === -1) return null;
    at += length;
    return bytes.toString("utf8", at - length, at);
  });
}

/** The number at the end of a command's tag: `INSERT 0 3`, `COPY 7`; `undefined` where there is none. */
export function readCount(bytes: Buffer, start: number, end: number): number | undefined {
  const count = /^(?:INSERT|UPDATE|DELETE|MERGE|COPY)[ 0-9]* (\d+)$/.exec(bytes.toString("latin1", start, end - 1))?.[1];
  return count === undefined ? undefined : Number(count);
}

/** An error as the server tells it. */
export interface ServerError extends Error {
  /** SQLSTATE. */
  readonly code: string;
  readonly severity: string;
  readonly detail?: string;
  readonly hint?: string;
  /** In characters, from 1. */
  readonly position?: string;
  readonly routine?: string;
  readonly constraint_name?: string;
}

const fieldNames: Readonly<Record<string, string>> = {
  // In the server's language; what follows in `V` is not, and poolers may send only this one.
  S: "severity",
  V: "severity",
  C: "code",
  D: "detail",
  H: "hint",
  P: "position",
  R: "routine",
  n: "constraint_name",
};

export function readError(bytes: Buffer, start: number, end: number): ServerError {
  const fields: Record<string, string> = { severity: "ERROR", code: "XX000" };
  let message = "";
  for (let at = start; at < end && bytes[at] !== 0; ) {
    const stop = bytes.indexOf(0, at);
    const letter = String.fromCharCode(bytes[at] ?? 0);
    const value = bytes.toString("utf8", at + 1, stop);
    if (letter === "M") message = value;
    const name = fieldNames[letter];
    if (name !== undefined) fields[name] = value;
    at = stop + 1;
  }
  return Object.assign(new Error(message), fields) as unknown as ServerError;
}
