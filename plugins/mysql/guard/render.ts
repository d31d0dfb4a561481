import type { RelationRestriction } from "../../../core/contract/analysis.ts";
import { quoted } from "../catalog/queries.ts";
import { refusal } from "../refusal.ts";
import { type Read, readStatement } from "./analyze.ts";
import type { Lexed } from "./lexer.ts";
import { permitted } from "./mask.ts";
import type { Relation, Snapshot } from "./relation.ts";
import type { Site } from "./scope.ts";
import { notUnderstood } from "./unresolved.ts";

/** A piece of text that takes the place of another. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

interface Rendering {
  /** MariaDB takes columns for ambiguous where it merges a subselect into a statement with windows. */
  readonly apart: boolean;
  readonly snapshot: Snapshot;
  readonly restrictions: ReadonlyMap<Relation, RelationRestriction>;
}

/** A statement under restrictions, and the parts of its text that this driver wrote. */
export interface Rendered {
  readonly text: string;
  readonly own: readonly Splice[];
}

/** The text of a statement in which every restricted relation is a subselect, and views over them are written out. */
export function renderRestricted(read: Read, lexed: Lexed, snapshot: Snapshot, restrictions: readonly RelationRestriction[]): Rendered {
  const apart = snapshot.isMariaDb && lexed.tokens.some(({ word }) => word === "over");
  const rendered = substituted(read, lexed, { snapshot, restrictions: byRelation(snapshot, restrictions), apart }, false);
  return rendered ?? { text: lexed.text, own: [] };
}

/** Looks at a rendered text as at any other: nothing restricted may be reached beside what this driver wrote. */
export function verifyRendered(read: Read, { own }: Rendered, snapshot: Snapshot, restrictions: readonly RelationRestriction[]): void {
  const { unresolved } = read.analysis;
  if (unresolved !== undefined) throw refusal(unresolved);
  const rendering = { snapshot, restrictions: byRelation(snapshot, restrictions), apart: false };
  for (const site of read.sites) {
    const isOwn = own.some(({ start, end }) => site.ref.start >= start && site.ref.end <= end);
    if (!isOwn && queryFor(site, rendering, { columns: new Set(), inView: false }) !== undefined)
      throw refusal(notUnderstood(`"${site.relation.name}", which is restricted,`));
  }
}

/** @throws a refusal for a relation this user cannot see: nobody could keep anything of it back */
function byRelation(snapshot: Snapshot, restrictions: readonly RelationRestriction[]): Map<Relation, RelationRestriction> {
  return new Map(
    restrictions.map((restriction) => {
      const { schema = snapshot.database ?? "", name } = restriction;
      const relation = snapshot.relation(schema, name);
      if (relation === undefined || relation.kind === "catalog")
        throw refusal(
          notUnderstood(`"${name}", which this user sees through a view only,`, "Have the table opened to the user: grant select"),
        );
      return [relation, restriction] as const;
    }),
  );
}

/** `undefined` when nothing in it is restricted. */
function substituted({ analysis, sites, qualified }: Read, lexed: Lexed, rendering: Rendering, inView: boolean): Rendered | undefined {
  const columns = new Set(lexed.tokens.map(({ text }) => text.toLowerCase()));
  const splices: Splice[] = [];
  const replaced = new Set<Site>();
  for (const site of sites) {
    const query = queryFor(site, rendering, { columns, inView });
    if (query === undefined) continue;
    if (site.changed) throw refusal(notUnderstood(`a change of "${site.relation.name}", which is restricted,`));
    replaced.add(site);
    splices.push(...splicesFor(site, query));
  }
  if (splices.length === 0) return undefined;
  if (analysis.unresolved !== undefined) throw refusal(analysis.unresolved);
  for (const { parts, site } of qualified) {
    const [first, second] = parts;
    // A subselect has a name, and no database.
    if ([...replaced].some(({ ref }) => ref === site.ref) && first !== undefined && second !== undefined)
      splices.push({ start: first.start, end: second.start, text: "" });
  }
  return applied(lexed.text, splices);
}

/** The query that stands for a relation; `undefined` where the relation itself may stay. */
function queryFor({ relation, ref }: Site, rendering: Rendering, at: { readonly columns: ReadonlySet<string>; readonly inView: boolean }) {
  const restriction = rendering.restrictions.get(relation);
  const body = bodyFor(relation, rendering);
  if (restriction === undefined) return body;
  const name = `${quoted(relation.schema)}.${quoted(relation.name)}${ref.suffix}`;
  const from = body === undefined ? name : `(${body}) as ${quoted(relation.name)}`;
  return permitted(relation, restriction, { ...at, from, apart: rendering.apart });
}

/** The query of a view over something restricted. */
function bodyFor(relation: Relation, rendering: Rendering): string | undefined {
  if (relation.body === undefined) return undefined;
  const { lexed, parsed } = relation.body;
  const read = readStatement(parsed, lexed, { ...rendering.snapshot, database: relation.schema });
  const text = substituted(read, lexed, rendering, true)?.text;
  if (text === undefined || rendering.snapshot.isMariaDb) return text;
  // The query that MySQL keeps does not call the columns what the view calls them.
  const name = quoted(relation.name);
  return `with ${name} (${relation.columns.map((column) => quoted(column.name)).join(", ")}) as (${text}) select * from ${name}`;
}

function splicesFor({ ref, relation, tableWord }: Site, query: string): Splice[] {
  const alias = ref.alias === undefined ? ` as ${quoted(ref.parts.at(-1)?.text ?? relation.name)}` : "";
  const text = `(${query})${alias}`;
  const own: Splice =
    tableWord === undefined ? { start: ref.start, end: ref.end, text } : { start: tableWord, end: ref.end, text: `select * from ${text}` };
  // An index is none of a subselect's.
  return ref.hints === undefined ? [own] : [own, { ...ref.hints, text: "" }];
}

/** `own` tells where the pieces stand in the text that comes of it. */
function applied(text: string, splices: readonly Splice[]): Rendered {
  const own: Splice[] = [];
  let result = "";
  let at = 0;
  const unique = new Map(splices.map((splice) => [splice.start, splice]));
  for (const { start, end, text: replacement } of [...unique.values()].sort((a, b) => a.start - b.start)) {
    result += text.slice(at, start);
    own.push({ start: result.length, end: result.length + replacement.length, text: replacement });
    result += replacement;
    at = end;
  }
  return { text: result + text.slice(at), own };
}
