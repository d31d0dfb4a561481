import type { MaskForm } from "../../contract/analysis.ts";
import { exactness, matcher } from "./pattern.ts";
import type { Access, Places, RuleEntry, Verb } from "./schema.ts";

/** Something a rule can be about; a missing part means "the whole". */
export interface Subject {
  /** True of a view: its rows and columns are those of the tables it reads, which rules for many tables hold for already. */
  readonly view?: boolean | undefined;
  readonly connection: string;
  readonly schema?: string | undefined;
  readonly table?: string | undefined;
}

/** A rule ready to be asked. */
export interface Rule {
  /** How people find it: `role analyst, rule 3 (policy.yaml:14)`. */
  readonly id: string;
  readonly level: number;
  readonly denies: ReadonlySet<Verb> | undefined;
  readonly grants: ReadonlySet<Verb>;
  readonly mask: MaskForm | undefined;
  readonly where: string | undefined;
  /** True when it is about some columns only. */
  readonly ofColumns: boolean;
  /** Whether it may hold for anything of a connection. */
  coversConnection(connection: string): boolean;
  /** Whether it holds for some of the subject's columns, or for the subject itself. */
  covers(subject: Subject): boolean;
  /** Whether it names a table outright, not by a wildcard or by leaving the table out. */
  names(table: string | undefined): boolean;
  /** Whether it holds for this column of a subject it covers. */
  coversColumn(subject: Subject, column: string): boolean;
}

const held: Readonly<Record<Access, readonly Verb[]>> = {
  none: ["select", "insert", "update", "delete", "ddl", "admin"],
  read: ["select"],
  write: ["select", "insert", "update", "delete"],
  schema: ["select", "insert", "update", "delete", "ddl"],
  admin: ["select", "insert", "update", "delete", "ddl", "admin"],
};

export function createRule(id: string, entry: RuleEntry): Rule {
  const subject = placeMatcher(entry);
  const exceptions = (entry.except ?? []).map((places) => ({ ...placeMatcher(places), whole: places.column === undefined }));
  const verbs = entry.verbs ?? (entry.access === undefined ? [] : held[entry.access]);
  const none = new Set<Verb>();
  return {
    id,
    level: exactness(entry.connection) + 2 * exactness(entry.schema) + 4 * exactness(entry.table) + 8 * exactness(entry.column),
    denies: entry.access === "none" ? new Set(verbs) : undefined,
    grants: entry.access === "none" ? none : new Set(verbs),
    mask: entry.mask,
    where: entry.where,
    ofColumns: entry.column !== undefined,
    coversConnection: subject.connection,
    names: (table) => table !== undefined && entry.table?.some((name) => name.toLowerCase() === table.toLowerCase()) === true,
    covers: (of) => subject.table(of) && !exceptions.some((exception) => exception.whole && exception.table(of)),
    coversColumn: (of, column) =>
      subject.column(column) && !exceptions.some((exception) => exception.table(of) && exception.column(column)),
  };
}

function placeMatcher(places: Places) {
  const [connection, schema, table] = [matcher(places.connection), matcher(places.schema), matcher(places.table)];
  return {
    connection,
    table: (of: Subject) => connection(of.connection) && schema(of.schema) && table(of.table),
    column: matcher(places.column),
  };
}
