import type { RelationAccess, RelationUse } from "../../../core/contract/analysis.ts";
import { isPlainSetting } from "./catalogs.ts";
import { readSubquery } from "./query.ts";
import type { Reading } from "./scope.ts";
import { as, isNode, type Json, list, type Node, names, text } from "./tree.ts";

/** These run, or keep for later, text that is not looked into. */
const opaque: ReadonlySet<string> = new Set([
  ...["DoStmt", "CallStmt", "ExecuteStmt", "PrepareStmt", "DeclareCursorStmt", "CreateFunctionStmt", "CreateTrigStmt", "RuleStmt"],
]);

export const isOpaque = (kind: string): boolean => opaque.has(kind);

const accesses: Readonly<Record<string, RelationAccess>> = { TruncateStmt: "delete", LockStmt: "update" };

/** Reads a statement that neither reads nor changes rows by a query of its own: the relations it names, and the query it holds. */
export function readUtility(kind: string, node: Node, reading: Reading): void {
  if (kind === "VariableShowStmt") readShow(node, reading);
  const access = kind === "CopyStmt" ? (node.is_from === true ? "insert" : "read") : (accesses[kind] ?? "schema");
  for (const parts of [...namedIn(node), ...droppedBy(kind, node)]) tell(parts, access, reading);
  if (as("SelectStmt", node.query) !== undefined) readSubquery(node.query, undefined, reading);
}

/** What a setting tells, other than how the engine reads and writes, may have been meant for the server alone. */
function readShow(node: Node, reading: Reading): void {
  if (isPlainSetting(text(node.name).toLowerCase())) return;
  reading.relation({ schema: "pg_catalog", name: "pg_settings", kind: "catalog", tells: "contents", access: "read" });
}

/** A relation may be about to be made; it is told by the name it would have. */
function tell(parts: readonly string[], access: RelationAccess, { snapshot, relation }: Reading): void {
  const found = snapshot.relation(parts);
  const [name = "", schema = snapshot.path.find((each) => !each.startsWith("pg_")) ?? "public"] = [...parts].reverse();
  const use: Omit<RelationUse, "access"> = found ?? { schema, name, kind: "table" };
  relation({ schema: use.schema ?? schema, name: use.name, kind: use.kind, access, ...(use.tells !== undefined && { tells: use.tells }) });
}

/** Every relation that is named in it but in its query. */
function namedIn(value: Json | undefined): string[][] {
  if (Array.isArray(value)) return value.flatMap(namedIn);
  if (!isNode(value)) return [];
  const own = typeof value.relname === "string" ? [[text(value.schemaname), value.relname].filter((part) => part !== "")] : [];
  return [...own, ...Object.entries(value).flatMap(([key, part]) => (key === "query" ? [] : namedIn(part)))];
}

const relations: ReadonlySet<string> = new Set(["TABLE", "VIEW", "MATVIEW", "FOREIGN_TABLE", "SEQUENCE"].map((kind) => `OBJECT_${kind}`));

function droppedBy(kind: string, node: Node): string[][] {
  if (kind === "CommentStmt") return relations.has(text(node.objtype)) ? [names(as("List", node.object)?.items)] : [];
  if (kind !== "DropStmt" || !relations.has(text(node.removeType))) return [];
  return list(node.objects).map((object) => names(as("List", object)?.items));
}
