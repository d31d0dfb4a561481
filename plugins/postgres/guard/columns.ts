import type { ColumnPlace } from "../../../core/contract/analysis.ts";
import { Missing, type Output, outwards, type Reading, type Scope, type Source, systemColumns, Unresolved } from "./scope.ts";
import { as, list, type Node, names } from "./tree.ts";
import { readAttribute } from "./trust.ts";

/** What a reference stands for: one column, or the whole row of something. */
export interface Found {
  readonly type: number;
  /** The columns of a row. */
  readonly row?: readonly Output[];
}

const nothing: Found = { type: 0 };

/** Reaches what a reference names. @throws Unresolved when nothing in sight has that name */
export function readReference(node: Node, scope: Scope, reading: Reading, place: ColumnPlace): Found {
  reading.read.add(node);
  const fields = list(node.fields);
  const star = as("A_Star", fields.at(-1)) !== undefined;
  const parts = names(star ? fields.slice(0, -1) : fields);
  if (star) return readStar(node, parts, scope, reading, place);
  const [first = ""] = parts;
  if (parts.length === 1) {
    const found = columnNamed(first, scope, reading, place) ?? rowNamed(first, scope, reading, place);
    if (found !== undefined) return found;
    throw new Missing(`Column "${first}" does not exist`, first);
  }
  const owner = ownerOf(node, parts.slice(0, -1), scope, reading);
  return memberOf(owner, parts.at(-1) ?? "", reading, place);
}

/** A name alone is a column of the innermost query that has one; those whose names are not known may have it too. */
function columnNamed(name: string, scope: Scope, reading: Reading, place: ColumnPlace): Found | undefined {
  let open: Found | undefined;
  for (const { sources } of outwards(scope)) {
    const visible = sources.filter(({ qualified }) => qualified !== true);
    const found = visible.flatMap(({ outputs }) => outputs.filter((output) => output.name === name));
    for (const output of found) output.reach(place, false, reading.reach);
    if (found.length > 0) return { type: found[0]?.type ?? 0 };
    if (systemColumns.has(name) && visible.some(({ system }) => system)) return nothing;
    if (visible.some((source) => source.open)) open = nothing;
  }
  return open;
}

/** A whole row: `select t from t`. */
function rowNamed(name: string, scope: Scope, reading: Reading, place: ColumnPlace): Found | undefined {
  for (const { sources } of outwards(scope)) {
    const source = sources.find(({ alias }) => alias === name);
    if (source !== undefined) return readRow(source, reading, place);
  }
  return undefined;
}

function readRow({ outputs }: Source, reading: Reading, place: ColumnPlace): Found {
  for (const output of outputs) output.reach(place, true, reading.reach);
  return { type: 0, row: outputs };
}

/** What `a.` or `schema.a.` means. */
export function ownerOf(node: Node, parts: readonly string[], scope: Scope, reading: Reading): Source {
  const [alias = "", schema] = [...parts].reverse();
  for (const { sources } of outwards(scope)) {
    const found =
      schema === undefined
        ? sources.find((source) => source.alias === alias)
        : sources.find(({ site, ...source }) => site?.relation.name === alias && source.schema === schema);
    if (found === undefined) continue;
    if (schema !== undefined && found.site !== undefined) reading.qualified.push({ node, site: found.site });
    return found;
  }
  throw new Unresolved(`"${parts.join(".")}"`);
}

/** A column of a row, or a function that is called like one: `t.f` means `f(t)` where `t` has no column `f`. */
function memberOf(source: Source, name: string, reading: Reading, place: ColumnPlace): Found {
  const found = source.outputs.find((output) => output.name === name);
  if (found !== undefined) {
    found.reach(place, false, reading.reach);
    return { type: found.type };
  }
  if (source.system === true && systemColumns.has(name)) return nothing;
  if (source.open === true && reading.snapshot.functions([name]).length === 0) return nothing;
  readRow(source, reading, place);
  if (!readAttribute(name, reading)) throw new Missing(`Column "${source.alias}.${name}" does not exist`, name);
  return nothing;
}

/** Everything in FROM, or of one item of it. */
function readStar(node: Node, parts: readonly string[], scope: Scope, reading: Reading, place: ColumnPlace): Found {
  if (parts.length > 0) return readRow(ownerOf(node, parts, scope, reading), reading, place);
  for (const output of scope.star) output.reach(place, true, reading.reach);
  return { type: 0, row: scope.star };
}

/** The row that a reference of one name means, where no column has that name. */
export function rowSource(node: Node, scope: Scope): Source | undefined {
  const fields = list(node.fields);
  const star = as("A_Star", fields.at(-1)) !== undefined;
  const parts = names(star ? fields.slice(0, -1) : fields);
  const [name] = parts;
  if (parts.length !== 1) return undefined;
  for (const { sources } of outwards(scope)) {
    if (!star && sources.some((source) => source.qualified !== true && source.outputs.some((output) => output.name === name)))
      return undefined;
    const found = sources.find(({ alias }) => alias === name);
    if (found !== undefined && star) return found;
  }
  for (const { sources } of outwards(scope)) {
    const found = sources.find(({ alias }) => alias === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `(t).c`: a column of a row. */
export function readField(node: Node, source: Source, name: string, reading: Reading, place: ColumnPlace): number {
  reading.read.add(node);
  return memberOf(source, name, reading, place).type;
}
