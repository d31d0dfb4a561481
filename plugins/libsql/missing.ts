export interface Absent {
  /** As the engine says it: `table`, `column`, `function`. */
  readonly what: string;
  readonly name: string;
}

/** What an engine message says is not there. */
export function absentIn(message: string): Absent | undefined {
  const shared = /^cannot join using column ([\s\S]+) - column not present in both tables$/.exec(message)?.[1];
  if (shared !== undefined) return { what: "column", name: shared };
  const [, what, quoted, name = quoted] =
    /^no such (\w[\w ]*): (?:"([\s\S]*)" - should this be a string literal in single-quotes\?|([\s\S]+))$/.exec(message) ?? [];
  return what === undefined || name === undefined ? undefined : { what, name };
}

/** The name a message says is not there, where it is the name of a table, a view or a column. */
export function missingName(message: string): string | undefined {
  const absent = absentIn(message);
  return absent && /^(?:table|view|column)$/.test(absent.what) ? absent.name : undefined;
}
