import type { ConnectOptions, Target } from "../../../core/contract/driver.ts";
import { literal } from "../catalog/queries.ts";
import type { Session } from "../session.ts";
import { readRelations, type Wanted } from "./listing.ts";
import { type Body, isSystem, type Relation, type Snapshot } from "./relation.ts";

/** What the connections of one target know of its names. Relations are looked up as statements name them. */
export interface Names {
  /** The snapshot with these relations in it, and with those that views among them read. */
  load(session: Session, wanted: readonly Wanted[], signal: AbortSignal): Promise<Snapshot>;
  /** Forgets everything: a statement of ours may have changed it. */
  forget(): void;
  /** Grows whenever something was forgotten. */
  readonly version: number;
}

/** A change somebody else makes is seen after this long. */
const trustedMillis = 1000;
/** What counts changes may itself be wrong where several servers answer as one. */
const longestMillis = 60_000;
const mostKnown = 20_000;

interface Known {
  readonly relations: Map<string, Relation | undefined>;
  readonly routines: ReadonlySet<string>;
  readonly caseSensitive: boolean;
  readonly stamp: string;
  readonly since: number;
}

/** One `Names` for all connections that lead to the same place as the same user. */
export function sharedNames(): (target: Target, reach: ConnectOptions["reach"]) => Names {
  const direct = {};
  const byWay = new WeakMap<object, Map<string, Names>>();
  return ({ scheme, location, options, user }, reach = undefined) => {
    const way = reach ?? direct;
    const byTarget = byWay.get(way) ?? new Map<string, Names>();
    byWay.set(way, byTarget);
    const key = JSON.stringify([scheme, location, user ?? null, Object.entries(options).sort()]);
    const names = byTarget.get(key) ?? createNames();
    byTarget.set(key, names);
    return names;
  };
}

function createNames(): Names {
  let known: Known | undefined;
  let checked = 0;
  let version = 0;

  const current = async (session: Session, signal: AbortSignal): Promise<Known> => {
    const now = Date.now();
    if (known !== undefined && now - checked < trustedMillis) return known;
    const found = await readStamp(session, signal);
    const isSame =
      known !== undefined && known.stamp === found.stamp && now - known.since < longestMillis && known.relations.size < mostKnown;
    if (!isSame || known === undefined) {
      known = { ...found, relations: new Map(), since: now };
      version++;
    }
    checked = now;
    return known;
  };

  return {
    async load(session, wanted, signal) {
      const at = await current(session, signal);
      const key = ({ schema, name }: Wanted): string => {
        const both = `${schema}\0${name}`;
        return at.caseSensitive && !isSystem(schema) ? both : both.toLowerCase();
      };
      for (let missing = [...wanted]; missing.length > 0; ) {
        const asked = [...new Map(missing.filter((one) => !at.relations.has(key(one))).map((one) => [key(one), one])).values()];
        const found = await readRelations(session, asked, at.caseSensitive, signal);
        for (const [index, relation] of found.entries()) at.relations.set(key(asked[index] as Wanted), relation);
        missing = found.flatMap((relation) => (relation?.body === undefined ? [] : tablesOf(relation.body, relation.schema)));
      }
      const { caseSensitive, routines } = at;
      const { database, isMariaDb } = session;
      return { database, isMariaDb, caseSensitive, routines, relation: (schema, name) => at.relations.get(key({ schema, name })) };
    },
    forget() {
      known = undefined;
      version++;
    },
    get version() {
      return version;
    },
  };
}

const tablesOf = ({ parsed }: Body, database: string): Wanted[] => wantedBy(parsed.found.tables, database);

/** The relations that tables of a statement may mean. */
export function wantedBy(
  tables: readonly { readonly parts: readonly { readonly text: string }[] }[],
  database: string | undefined,
): Wanted[] {
  return tables.flatMap(({ parts }) => {
    const [name = "", schema = database] = parts.map(({ text }) => text).reverse();
    return schema === undefined ? [] : [{ schema, name }];
  });
}

const counted = ["Com_create_%", "Com_alter_%", "Com_drop_%", "Com_rename_%", "Com_grant%", "Com_revoke%"];

/** Numbers that change when anybody changes a table, a view, a function or a right; and whether names differ by case. */
async function readStamp(session: Session, signal: AbortSignal): Promise<Pick<Known, "stamp" | "caseSensitive" | "routines">> {
  const schema = session.database === undefined ? "''" : literal(session.database);
  const [counts = [], [facts = []] = [], [uptime = []] = [], routines = []] = await session.texts(
    signal,
    `show global status where ${counted.map((pattern) => `variable_name like '${pattern.replaceAll("_", "\\_")}'`).join(" or ")}`,
    "select @@lower_case_table_names, unix_timestamp()",
    "show global status like 'Uptime'",
    `select lower(routine_name) from information_schema.routines where routine_schema = ${schema} and routine_type = 'FUNCTION'`,
  );
  // Rounded, for the two clocks are read one after the other.
  const started = Math.round((Number(facts[1]) - Number(uptime[1])) / 10);
  return {
    stamp: [started, ...counts.map(([, count]) => count)].join(" "),
    caseSensitive: facts[0] === "0",
    routines: new Set(routines.map(([name]) => name ?? "")),
  };
}
