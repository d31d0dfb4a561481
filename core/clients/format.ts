/** A place in a client's file: the map of servers, and a name in it. */
export type Place = readonly [section: string, name: string];

export type Fields = Readonly<Record<string, unknown>>;

/** What a file says, or the line where it is broken. */
export type Parsed = { readonly value: Fields } | { readonly brokenLine: number };

/** Reads and edits one kind of file. An edit leaves alone what it does not mean, and may fail to: whoever edits reads the result. */
export interface Format {
  /** As a message calls it: `JSON`. */
  readonly title: string;
  read(text: string): Parsed;
  /** Puts fields into the entry at a place, which keeps its other fields. */
  set(text: string, place: Place, fields: Fields): string;
  remove(text: string, place: Place): string;
}

/** What stands at a path of plain values. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce((inner, key) => (isMap(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined), value);
}

export function isMap(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
