import type { RelationRestriction } from "../../../core/contract/analysis.ts";
import type { Diagnosis } from "../../../core/contract/problem.ts";
import { quoted } from "../catalog/queries.ts";
import { refusal } from "../refusal.ts";
import { type Read, readStatement } from "./analyze.ts";
import { mayFail, mayFailAnywhere } from "./fallible.ts";
import type { Lexed } from "./lexer.ts";
import { permitted } from "./mask.ts";
import { wantedBy } from "./names.ts";
import type { Parsed } from "./parse-statement.ts";
import { inFull } from "./policy-expression.ts";
import type { Relation, RelationColumn, Snapshot } from "./relation.ts";
import type { Site } from "./scope.ts";
import { applied, type Rendered, type Splice } from "./splice.ts";
import type { TableRef } from "./tree.ts";
import { notUnderstood } from "./unresolved.ts";

interface Rendering {
  /** True where a condition of the caller's may fail on a value: then nothing is filtered away after it. */
  readonly fallible: boolean;
  /** MariaDB takes columns for ambiguous where it merges a subselect into a statement with windows, and MySQL those of JSON_TABLE for wrong. */
  readonly apart: boolean;
  readonly snapshot: Snapshot;
  readonly restrictions: ReadonlyMap<Relation, RelationRestriction>;
}

/** A statement as text and as tree. */
interface Written {
  readonly lexed: Lexed;
  readonly parsed: Parsed;
}

/** The text of a statement in which every restricted relation is a subselect, and views over them are written out. */
export function renderRestricted(read: Read, written: Written, snapshot: Snapshot, restrictions: readonly RelationRestriction[]): Rendered {
  const words = new Set(written.lexed.tokens.map(({ word }) => word));
  const apart = words.has(snapshot.isMariaDb ? "over" : "json_table");
  const fallible = mayFail(written.lexed.tokens) || namesBytes(read, written.lexed) || failingView(written.parsed, snapshot);
  if (restrictions.some(({ where }) => where.length > 0)) {
    if (words.has("examined")) throw refusal(examinedTells);
    if (fallible && words.has("match")) throw refusal(searchApart);
  }
  const rendered = substituted(read, written, { snapshot, restrictions: byRelation(snapshot, restrictions), apart, fallible }, false);
  return rendered ?? { text: written.lexed.text, own: [] };
}

/** Only a table can be searched, and not what was filtered first. */
const searchApart: Diagnosis = {
  code: "UNSUPPORTED",
  message: "Cannot search by MATCH beside conditions that may fail: rows are filtered for you before those are asked",
  hint: "Search in a statement of its own, with comparisons only beside MATCH",
};

const examinedTells: Diagnosis = {
  code: "POLICY_DENIED",
  message: "Cannot limit the rows examined: rows are filtered for you, and the limit would tell how many there are",
  hint: "Limit the rows of the result instead",
};

/** Looks at a rendered text as at any other: nothing restricted may be reached beside what this driver wrote. */
export function verifyRendered(read: Read, { own }: Rendered, snapshot: Snapshot, restrictions: readonly RelationRestriction[]): void {
  const { unresolved } = read.analysis;
  if (unresolved !== undefined) throw refusal(unresolved);
  const rendering = { snapshot, restrictions: byRelation(snapshot, restrictions), apart: false, fallible: false };
  for (const site of read.sites) {
    const isOwn = own.some(({ start, end }) => site.ref.start >= start && site.ref.end <= end);
    // A name alone could be taken for one that the caller defines.
    if (isOwn && site.ref.parts.length === 1) throw refusal(notUnderstood(`"${site.relation.name}"`));
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
function substituted(read: Read, { lexed, parsed }: Written, rendering: Rendering, inView: boolean): Rendered | undefined {
  const { analysis, sites, qualified, bare } = read;
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
  const isReplaced = (ref: TableRef): boolean => [...replaced].some((site) => site.ref === ref);
  for (const { parts, site } of qualified) {
    const [first, second] = parts;
    // A subselect has a name, and no database.
    if (isReplaced(site.ref) && first !== undefined && second !== undefined)
      splices.push({ start: first.start, end: second.start, text: "" });
  }
  const tables = rendering.snapshot.isMariaDb ? tablesNamed(parsed, lexed) : plainPlan(parsed, lexed);
  const names = inView ? inFull(bare.filter(({ ref }) => !isReplaced(ref))) : namesKept(parsed, lexed.text, [...splices, ...tables]);
  splices.push(...names, ...tables);
  return applied(lexed.text, splices);
}

/** The query that stands for a relation; `undefined` where the relation itself may stay. */
function queryFor({ relation, ref }: Site, rendering: Rendering, at: { readonly columns: ReadonlySet<string>; readonly inView: boolean }) {
  const { snapshot, apart, fallible } = rendering;
  const restriction = rendering.restrictions.get(relation);
  const body = bodyFor(relation, rendering);
  if (restriction === undefined) return body;
  const name = `${quoted(relation.schema)}.${quoted(relation.name)}${ref.suffix}`;
  const from = body === undefined ? name : `(${body}) as ${quoted(relation.name)}`;
  const byPartition = /^\s*partition\b/i.test(ref.suffix);
  return permitted(relation, restriction, {
    ...at,
    from,
    byPartition,
    snapshot,
    apart: apart || (fallible && restriction.where.length > 0),
  });
}

/** The query of a view over something restricted. */
function bodyFor(relation: Relation, rendering: Rendering): string | undefined {
  if (relation.body === undefined) return undefined;
  const { lexed, parsed } = relation.body;
  const read = readStatement(parsed, lexed, { ...rendering.snapshot, database: relation.schema });
  const text = substituted(read, relation.body, rendering, true)?.text;
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
  const gone = [...ref.around, ...(ref.hints === undefined ? [] : [ref.hints])];
  return [own, ...gone.map((part) => ({ ...part, text: "" }))];
}

/** Bytes may be no text, where MySQL takes them for one. */
function namesBytes({ sites }: Read, { tokens }: Lexed): boolean {
  const named = new Set(tokens.map(({ text }) => text.toLowerCase()));
  const isBytes = ({ name, type }: RelationColumn) =>
    /^(?:(?:var)?binary|(?:tiny|medium|long)?blob)\b/i.test(type) && named.has(name.toLowerCase());
  return sites.some(({ relation }) => relation.columns.some(isBytes));
}

function failingView({ found }: Parsed, snapshot: Snapshot): boolean {
  return wantedBy(found.tables, snapshot.database).some(({ schema, name }) => {
    const body = snapshot.relation(schema, name)?.body;
    return body !== undefined && (mayFailAnywhere(body.lexed.tokens) || failingView(body.parsed, snapshot));
  });
}

/** A prepared MariaDB forgets the values around a subquery without a table, where they come from a subselect. */
function tablesNamed({ found, explained }: Parsed, { tokens }: Lexed): Splice[] {
  const first = explained?.start ?? tokens[0]?.start;
  return found.fromless.filter(({ query }) => query !== first).map(({ start, end }) => ({ start, end, text: " from (select 1) as `1`" }));
}

/** The plan that newer MySQLs show by themselves quotes conditions, what masks are made of too. */
function plainPlan({ explained }: Parsed, { tokens }: Lexed): Splice[] {
  const [verb] = tokens;
  if (explained?.words.length !== 1 || verb === undefined) return [];
  return [{ start: verb.end, end: verb.end, text: " format=traditional" }];
}

/** A computed column is called by its text, and keeps that name where the text changes. */
function namesKept({ found }: Parsed, text: string, splices: readonly Splice[]): Splice[] {
  return found.nameless
    .filter(({ start, end }) => splices.some((splice) => splice.start >= start && splice.start < end))
    .map(({ start, end }) => ({ start: end, end, text: ` as ${quoted(columnName(text.slice(start, end)))}` }));
}

/** The servers keep so many bytes of a text, and know no characters beyond the first plane in a name. */
const longestName = 255;

function columnName(text: string): string {
  const bytes = Buffer.from(text.replace(/[\u{10000}-\u{10ffff}]/gu, "?"));
  return bytes.length <= longestName
    ? bytes.toString()
    : bytes
        .subarray(0, longestName)
        .toString()
        .replace(/\ufffd$/, "");
}
