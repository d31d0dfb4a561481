import type { Grants, TableGrants } from "./grants.ts";
import type { Subject } from "./rule.ts";

/** Asks on behalf of one principal whether a verb is granted on an object, and what refused it. */
export type Ask = (object: string, verb: string) => { readonly allowed: boolean; readonly refusal?: string };

/** Narrows grants to what Casbin allows as well: refusals, masks and filters of the rules hold whatever it says. */
export function casbinGrants(own: Grants, ask: Ask, byColumn: boolean): Grants {
  const known = new Map<string, TableGrants>();
  return {
    table(subject) {
      const key = pathOf(subject);
      const found = known.get(key) ?? narrowed(own.table(subject), key, ask, byColumn);
      if (known.size >= 10_000) known.clear();
      known.set(key, found);
      return found;
    },
    // Nobody can tell from a Casbin model that it refuses nothing.
    unrestricted: () => false,
    allNamed: () => false,
    // Nor what it grants somewhere: whoever may change nothing is told so when they try.
    mayChange: own.mayChange,
  };
}

const pathOf = ({ connection, schema, table }: Subject): string =>
  [connection, schema, table].filter((part) => part !== undefined).join("/");

function narrowed(table: TableGrants, path: string, ask: Ask, byColumn: boolean): TableGrants {
  const answers = new Map<string, ReturnType<Ask>>();
  const answer = (object: string, verb: string) => {
    const key = `${verb}\0${object}`;
    const found = answers.get(key) ?? ask(object, verb);
    answers.set(key, found);
    return found;
  };
  const refusal = (object: string, verb: string) => {
    const { allowed, refusal: by } = answer(object, verb);
    return allowed || by === undefined ? undefined : { id: by };
  };
  return {
    may: (verb) => table.may(verb) && answer(path, verb).allowed,
    refusedBy: (verb) => table.refusedBy(verb) ?? refusal(path, verb),
    column(name, verb) {
      const grant = table.column(name, verb);
      const object = byColumn ? `${path}/${name}` : path;
      if (!grant.visible || answer(object, verb).allowed) return grant;
      return { visible: false, by: refusal(object, verb) };
    },
    filters: table.filters,
  };
}
