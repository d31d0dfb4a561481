import type { MaskForm } from "../../contract/analysis.ts";
import { strictest } from "./masks.ts";
import type { Rule, Subject } from "./rule.ts";
import type { Verb } from "./schema.ts";

/** What somebody may do with one table, and the rules that say so, most specific first. */
export interface TableGrants {
  /** Whether a verb is granted for the table or some of its columns, and refused by no rule. */
  may(verb: Verb): boolean;
  /** The rule that refused the verb; absent when none did and none granted it. */
  refusedBy(verb: Verb): Pick<Rule, "id"> | undefined;
  column(name: string, verb: Verb): ColumnGrant;
  readonly filters: readonly Rule[];
}

export interface ColumnGrant {
  readonly visible: boolean;
  readonly mask?: MaskForm;
  readonly by?: Pick<Rule, "id"> | undefined;
}

/** Everything the rules of somebody's roles say. */
export interface Grants {
  table(subject: Subject): TableGrants;
  /** True when everything of a connection may be read as it is: nothing is refused, masked or filtered there. */
  unrestricted(connection: string): boolean;
  /** True when no name of a connection is hidden, though rows may be filtered and columns masked. */
  allNamed(connection: string): boolean;
  /** Whether something of a connection may be changed. */
  mayChange(connection: string): boolean;
}

const changes = ["insert", "update", "delete", "ddl", "admin"] as const;

const most = 10_000;

/** Grants add up; refusals, masks and filters of any rule hold whatever the others grant. */
export function createGrants(rules: readonly Rule[]): Grants {
  const ordered = [...rules].sort((a, b) => b.level - a.level);
  const known = new Map<string, TableGrants>();
  return {
    table(subject) {
      const key = `${subject.connection}\0${subject.schema ?? ""}\0${subject.table ?? ""}\0${subject.view ?? false}`;
      const found = known.get(key) ?? tableGrants(ordered, subject);
      if (known.size >= most) known.clear();
      known.set(key, found);
      return found;
    },
    unrestricted: (connection) => {
      const here = ordered.filter((rule) => rule.coversConnection(connection));
      const narrowing = here.some(({ denies, mask, where }) => denies?.has("select") || mask !== undefined || where !== undefined);
      return !narrowing && ordered.some((rule) => rule.grants.has("select") && coversAll(rule, connection));
    },
    allNamed: (connection) =>
      !ordered.some((rule) => rule.coversConnection(connection) && rule.denies?.has("select")) &&
      ordered.some((rule) => rule.grants.has("select") && coversAll(rule, connection)),
    mayChange(connection) {
      const here = ordered.filter((rule) => rule.coversConnection(connection));
      const refused = (verb: Verb) => here.some((rule) => rule.denies?.has(verb) && coversAll(rule, connection));
      return changes.some((verb) => here.some((rule) => rule.grants.has(verb)) && !refused(verb));
    },
  };
}

/** A name no table has: only a rule for all tables covers it. */
const anyTable = "\u0000any";

const coversAll = (rule: Rule, connection: string): boolean =>
  !rule.ofColumns && rule.covers({ connection, schema: anyTable, table: anyTable });

function tableGrants(ordered: readonly Rule[], subject: Subject): TableGrants {
  const rules = ordered.filter((rule) => rule.covers(subject) && !(subject.view && isOfData(rule) && !rule.names(subject.table)));
  const columns = new Map<string, ColumnGrant>();
  const refusal = (verb: Verb) => rules.find((rule) => !rule.ofColumns && rule.denies?.has(verb));
  return {
    may: (verb) => refusal(verb) === undefined && rules.some((rule) => rule.grants.has(verb)),
    refusedBy: refusal,
    column(name, verb) {
      const key = `${verb}\0${name}`;
      const found = columns.get(key) ?? columnGrant(rules, subject, name, verb);
      columns.set(key, found);
      return found;
    },
    filters: rules.filter(({ where }) => where !== undefined),
  };
}

/** Rules about rows and columns, rather than about whole tables. */
const isOfData = ({ mask, where, ofColumns, denies }: Rule): boolean =>
  mask !== undefined || where !== undefined || (ofColumns && denies !== undefined);

function columnGrant(rules: readonly Rule[], subject: Subject, name: string, verb: Verb): ColumnGrant {
  const here = rules.filter((rule) => rule.coversColumn(subject, name));
  const refused = here.find((rule) => rule.denies?.has(verb));
  if (refused !== undefined) return { visible: false, by: refused };
  if (!here.some((rule) => rule.grants.has(verb))) return { visible: false };
  const masking = here.filter(({ mask }) => mask !== undefined);
  const mask = strictest(masking.map((rule) => rule.mask).filter((form) => form !== undefined));
  return mask === undefined ? { visible: true } : { visible: true, mask, by: masking[0] };
}
