import type { FunctionUse } from "../../../core/contract/analysis.ts";
import { catalogOf, lookups } from "./catalogs.ts";
import { isReviewed, isTrustedMember } from "./extensions.ts";
import { knownFunctions, trustedFunctions } from "./functions.ts";
import { Missing, type Reading, Unresolved } from "./scope.ts";
import type { Cast, Fn, Snapshot, Type } from "./snapshot.ts";
import { collect, type Node, names } from "./tree.ts";

/** The number of the types whose name is not written where they are. */
export const types = { unknown: 705, boolean: 16, integer: 23, bigint: 20, numeric: 1700, bit: 1560, text: 25, record: 2249 } as const;

/** Says which function a call means. Where more than one may be meant, all of them are told. @throws Unresolved for one that is not there */
export function readFunction(
  parts: readonly string[],
  count: number,
  reading: Reading,
  kind: FunctionUse["kind"] = "function",
): readonly Fn[] {
  const [name = "", schema] = [...parts].reverse();
  const candidates = reading.snapshot.functions(parts).filter(({ least, most }) => count >= least && count <= most);
  for (const fn of candidates) reading.fn(useOf(fn, kind));
  // A type's name with one value in parentheses is a cast where no function fits.
  const type = count === 1 ? reading.snapshot.type(parts) : undefined;
  if (type !== undefined) tellType(type, 0, reading);
  const own = schema === undefined || schema === "pg_catalog";
  const isKnown = own && (trustedFunctions.has(name) || knownFunctions.has(name));
  if (isKnown || schema === "information_schema") {
    reading.fn({ schema: schema ?? "pg_catalog", name, kind, trusted: schema === "information_schema" || trustedFunctions.has(name) });
    tellCatalog(name, reading);
  } else if (candidates.length === 0 && type === undefined) throw new Unresolved(`the function "${parts.join(".")}"`);
  return candidates;
}

function useOf({ schema, name, extension, volatility, ofType, language }: Fn, kind: FunctionUse["kind"]): FunctionUse {
  const trusted = isTrustedMember(extension, name, volatility) || (ofType && language === "internal");
  return { schema, name, kind, trusted, ...(extension !== undefined && { set: extension }) };
}

function tellCatalog(name: string, reading: Reading): void {
  const catalog = catalogOf(name);
  if (catalog !== undefined) reading.relation({ schema: "pg_catalog", ...catalog, kind: "catalog", access: "read" });
}

/** `t.f` where `t` has no column `f` calls a function. False when no function has that name. */
export function readAttribute(name: string, reading: Reading): boolean {
  const isThere = reading.snapshot.functions([name]).length > 0 || trustedFunctions.has(name) || knownFunctions.has(name);
  if (isThere) readFunction([name], 1, reading);
  return isThere;
}

const comparing = /^(?:=|<>|<|>|<=|>=|~~\*?|!~~\*?|~\*?|!~\*?|@>|<@|&&|\?[|&]?|@@|@\?)$/;

/** Says which operator is meant, and gives the number of the type it results in, or 0. */
export function readOperator(parts: readonly string[], left: number, right: number, reading: Reading): number {
  const name = parts.at(-1) ?? "";
  const { snapshot } = reading;
  const candidates = snapshot
    .operators(parts)
    .filter((found) => !isReviewed(found.extension) && mayTake(left, found.left, snapshot) && mayTake(right, found.right, snapshot));
  if (candidates.length === 0) {
    reading.fn({ schema: "pg_catalog", name, kind: "operator", trusted: true });
    return comparing.test(name) ? types.boolean : 0;
  }
  // Of two operands a literal has the type of the other; the engine's own operator for just these types comes first.
  const exact = parts.length === 1 && snapshot.path[0] === "pg_catalog" ? builtIn(name, left, right, snapshot) : undefined;
  if (exact !== undefined) {
    reading.fn({ schema: "pg_catalog", name, kind: "operator", trusted: true });
    return exact;
  }
  for (const { schema, extension } of candidates)
    reading.fn({ schema, name, kind: "operator", trusted: false, ...(extension !== undefined && { set: extension }) });
  return 0;
}

/** Of a value whose type is not known the statement as a whole tells whether it may be one of a type that somebody made. */
const isGiven = (from: number, { source }: Cast, snapshot: Snapshot): boolean =>
  from === 0 ? source < firstUser : mayTake(from, source, snapshot);

/** Whether an operand of that type, which is 0 where it is not known, may be given to an operator that wants the other. */
function mayTake(given: number, wanted: number, snapshot: Snapshot): boolean {
  if (given === 0 || given === types.unknown || given === wanted) return true;
  const [from, to] = [snapshot.typeBy(given), snapshot.typeBy(wanted)];
  if (from === undefined || to === undefined || to.sort === "p") return true;
  return snapshot.becomes(given, wanted) || (from.sort === "d" && mayTake(from.base, wanted, snapshot));
}

function builtIn(name: string, left: number, right: number, snapshot: Snapshot): number | undefined {
  const both = left === types.unknown ? right : left;
  return snapshot.builtInOperator(name, both, right === types.unknown ? both : right);
}

/** Says which type is meant, and what runs when a value becomes one of it. Gives its number, or 0 for an array or a row. */
export function readType(node: Node | undefined, from: number, reading: Reading): number {
  const parts = names(node?.names);
  if (node === undefined || parts.length === 0 || node.pct_type === true) throw new Unresolved("a type");
  // `geometry(Point, 4326)`: written like columns, and no columns.
  for (const word of collect(node.typmods, new Set(["ColumnRef"]))) reading.read.add(word);
  const type = reading.snapshot.type(parts);
  if (type === undefined) return readRowType(parts, reading);
  tellType(type, from, reading);
  return node.arrayBounds === undefined ? type.oid : 0;
}

function tellType(type: Type, from: number, reading: Reading): void {
  reading.named.add(type.oid);
  reading.fn({ schema: type.schema, name: type.name, kind: "cast", ...trustOf(type, reading.snapshot) });
  for (const cast of reading.snapshot.casts)
    if (cast.target === type.oid && isGiven(from, cast, reading.snapshot) && !isReviewed(cast.extension)) reading.fn(castUse(cast));
  const catalog = lookups[type.name.replace(/^_/, "")];
  if (catalog !== undefined && type.schema === "pg_catalog")
    reading.relation({ schema: "pg_catalog", name: catalog, kind: "catalog", tells: "names", access: "read" });
}

/** The row of a table is a type too; naming it tells its columns. */
function readRowType(parts: readonly string[], reading: Reading): number {
  const relation = reading.snapshot.relation(parts);
  if (relation === undefined) throw new Missing(`Type "${parts.join(".")}" does not exist`, parts.at(-1) ?? "");
  const { schema, name, kind, tells } = relation;
  reading.rows.add(relation);
  reading.relation({ schema, name, kind, access: "read", ...(tells !== undefined && { tells }) });
  return 0;
}

function trustOf(type: Type, snapshot: Snapshot): Pick<FunctionUse, "trusted" | "set"> {
  const { extension } = type;
  return {
    trusted: !runsForeign(type, snapshot, 0) && (extension === undefined || isReviewed(extension)),
    ...(extension !== undefined && { set: extension }),
  };
}

/** True when making, comparing or passing on a value of it runs a function that somebody made: the check of a domain, or of a part of it. */
function runsForeign(type: Type | undefined, snapshot: Snapshot, depth: number): boolean {
  if (type === undefined || type.oid < firstUser) return false;
  if (depth > 8 || type.runs.length > 0 || type.compares.length > 0) return true;
  if (snapshot.casts.some(({ implicit, source, extension }) => implicit && source === type.oid && !isReviewed(extension))) return true;
  const parts = [type.base, type.element, ...(snapshot.relationBy(type.relation)?.types ?? [])];
  return parts.some((oid) => oid >= firstUser && runsForeign(snapshot.typeBy(oid), snapshot, depth + 1));
}

/** Numbers below are the engine's own. */
const firstUser = 16_384;

const castUse = ({ schema, name, extension }: Cast): FunctionUse => ({
  ...{ schema, name, kind: "cast", trusted: false },
  ...(extension !== undefined && { set: extension }),
});

/**
 * What somebody made and the engine runs without being asked by name: casts, and comparisons of types of their own. `used` are the types
 * of columns that are reached, `named` those that a cast names.
 */
export function unaskedUses(snapshot: Snapshot, used: ReadonlySet<number>, named: ReadonlySet<number>): FunctionUse[] {
  const there = (oid: number): boolean => used.has(oid) || named.has(oid) || snapshot.rowsOf(oid) !== undefined;
  const casts = snapshot.casts.filter(({ source, target, implicit, extension }) => {
    if (isReviewed(extension)) return false;
    if (!implicit) return source >= firstUser && there(source) && named.has(target);
    return source < firstUser && target < firstUser ? true : used.has(source) || used.has(target);
  });
  const compared = [...used].flatMap((oid) => {
    const { schema = "", compares = [] } = (oid >= firstUser ? snapshot.typeBy(oid) : undefined) ?? {};
    return compares.map((name): FunctionUse => ({ schema, name, kind: "operator", trusted: false }));
  });
  return [...casts.map(castUse), ...compared];
}
