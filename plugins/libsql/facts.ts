import type { Row } from "./engine.ts";

/** What an engine tells of itself. */
export interface Facts {
  /** What text is kept in, as `TextDecoder` names it. */
  readonly encoding: string;
  /** Functions it lets be called by a statement only, never by a view or a trigger, because they reach beyond the database; lower case. */
  readonly directOnly: ReadonlySet<string>;
}

/** 0x80000 is SQLITE_DIRECTONLY. https://sqlite.org/c3ref/c_deterministic.html */
export const factsSql = `select e.encoding, f.name from pragma_encoding e
  left join (select distinct lower(name) as name from pragma_function_list where flags & 0x80000) f on true`;

export function factsOf(rows: readonly Row[]): Facts {
  const names = rows.flatMap(([, name]) => (typeof name === "string" ? [name] : []));
  return { encoding: String(rows[0]?.[0] ?? "utf-8").toLowerCase(), directOnly: new Set(names) };
}
