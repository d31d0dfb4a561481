const newline = 10;
const quote = 34;

/** Finds where the lines of a text end, chunk by chunk. */
export interface Lines {
  /** Lines that have ended so far. */
  readonly count: number;
  /** True at the very beginning and right after a line's end. */
  readonly ended: boolean;
  /** Reads on; gives the place after the first line's end, where that is in this chunk. */
  read(chunk: Uint8Array): number | undefined;
}

/** `quoted` where a line end between double quotes is part of a value, as in CSV. */
export function createLines(quoted: boolean): Lines {
  let count = 0;
  let inside = false;
  let last = newline;
  return {
    get count() {
      return count;
    },
    get ended() {
      return !inside && last === newline;
    },
    read(chunk) {
      let first: number | undefined;
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at];
        if (byte === quote && quoted) inside = !inside;
        else if (byte === newline && !inside && ++count === 1) first = at + 1;
      }
      last = chunk.at(-1) ?? last;
      return first;
    },
  };
}
