import type { RelationRestriction } from "../../../core/contract/analysis.ts";
import type { Statement } from "../../../core/contract/driver.ts";
import { catalogUse } from "../../sqlite/guard/catalog-use.ts";
import { createGuard as createMirrorGuard, type Guard as MirrorGuard } from "../../sqlite/guard/guard.ts";
import type { Session } from "../engine.ts";
import { isRefusal } from "../refusal.ts";
import type { Kind } from "../sql/kind.ts";
import { createMirror, type Mirror, schemaVersion } from "./mirror.ts";
import { restricted } from "./restrict.ts";

/** What SQLite's list of functions lacks: these change nothing and reach nothing either. */
const ownFunctions = new Set(
  "vector vector1bit vector8 vector16 vectorb16 vector32 vector64 vector_distance_cos vector_distance_l2 vector_extract".split(" "),
);

/** Analyses statements for an engine that tells nothing of them, and holds them to restrictions. */
export interface Guard {
  /** The statements of a text whose kinds the engine told. Those that the mirror reads in another way have no analysis. */
  analyze(session: Session, sql: string, kinds: readonly Kind[], signal: AbortSignal): Promise<readonly Statement[]>;
  /** The text that sees no more than this. */
  restrict(session: Session, sql: string, restrictions: readonly RelationRestriction[], signal: AbortSignal): Promise<string>;
  /** Has the schema read again: a transaction that was rolled back may have shown another one under the same number. */
  forget(): void;
}

export function createGuard(): Guard {
  let mirror: (Mirror & { readonly version: unknown; readonly guard: MirrorGuard }) | undefined;
  const forget = () => {
    mirror?.close();
    mirror = undefined;
  };
  const current = async (session: Session, signal: AbortSignal) => {
    const version = await schemaVersion(session, signal);
    if (mirror !== undefined && mirror.version === version) return mirror;
    forget();
    const made = await createMirror(session, signal);
    const known = { ...made, version, guard: createMirrorGuard(made.session) };
    mirror = known;
    return known;
  };
  return {
    forget,
    async analyze(session, sql, kinds, signal) {
      const { guard, vectors } = await current(session, signal);
      const found = attempt(() => guard.analyze(sql));
      return kinds.map((kind, at): Statement => {
        const { kind: same, analysis } = found[at] ?? {};
        if (analysis === undefined || (same !== kind && analysis.unresolved === undefined)) return { kind };
        const functions = analysis.functions.map((use) => (ownFunctions.has(use.name.toLowerCase()) ? { ...use, trusted: true } : use));
        const relations = analysis.relations.map((use) => {
          const name = use.name.toLowerCase();
          return vectors.has(name) || name === "libsql_vector_meta_shadow" ? catalogUse(name, use.access) : use;
        });
        return { kind, analysis: { ...analysis, relations, functions } };
      });
    },
    async restrict(session, sql, restrictions, signal) {
      if (restrictions.length === 0) return sql;
      return restricted(sql, restrictions, await current(session, signal));
    },
  };
}

/** The engine has read the text: what its mirror cannot read is not analysed, and a refusal holds. */
function attempt(work: () => readonly Statement[]): readonly Statement[] {
  try {
    return work();
  } catch (error) {
    if (isRefusal(error)) throw error;
    return [];
  }
}
