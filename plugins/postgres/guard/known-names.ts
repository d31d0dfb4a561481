import type { Session } from "../session.ts";
import type { Work } from "../work.ts";
import type { Names } from "./analyze.ts";
import { type Known, type Relation, readSnapshot, type Snapshot } from "./snapshot.ts";
import { snapshotSql, stampSql } from "./snapshot-sql.ts";
import type { Node } from "./tree.ts";

/** How long the names of a server are good for without asking whether they changed. */
const trustMillis = 1000;
const mostTexts = 500;

/** The names of one server as one path finds them, and what was worked out by them. */
export interface Current extends Names {
  readonly snapshot: Snapshot;
  readonly bodies: Map<Relation, Node>;
  /** By text; emptied when it has grown. */
  remembered<Result>(kind: string, text: string, make: () => Promise<Result>): Promise<Result>;
}

/** What the connections of one target know together. */
interface Shared {
  known?: Known;
  moment: string | null;
  sums: string;
  checked: number;
  paths: Map<string, Current>;
}

const empty = (): Shared => ({ moment: null, sums: "", checked: Number.NEGATIVE_INFINITY, paths: new Map() });

const targets = new Map<string, Shared>();

/** Names of the server that one session is connected to. */
export interface KnownNames {
  /** They are looked at again when they are older than a moment, or when `now` is asked for. */
  current(work: Work, now?: boolean): Promise<Current>;
  /** Something was changed here. */
  changed(): void;
}

export function createKnownNames(session: Session): KnownNames {
  const { places, database, user, parameters } = session.settings;
  const key = JSON.stringify([places.map(({ host, port }) => [host, port]), database, user, parameters]);
  let path: string | undefined;
  /** A transaction that spans calls sees what nobody else does. */
  let own: { readonly holder: object; readonly names: Shared } | undefined;

  const sharedNames = (): Shared => {
    const found = targets.get(key) ?? empty();
    targets.set(key, found);
    return found;
  };
  const namesNow = (): { readonly names: Shared; readonly isOwn: boolean } => {
    const { holder, readOnly } = session;
    if (holder === undefined || readOnly) return { names: sharedNames(), isOwn: false };
    if (own?.holder !== holder) own = { holder, names: empty() };
    return { names: own.names, isOwn: true };
  };

  return {
    async current(work, now = false) {
      const { names, isOwn } = namesNow();
      const isGood = !now && !isOwn && performance.now() - names.checked < trustMillis;
      if (path === undefined || !isGood) {
        path = await look(work, names, isOwn, session.opened.facts.version);
      }
      return along(names, path);
    },
    changed() {
      sharedNames().checked = Number.NEGATIVE_INFINITY;
    },
  };
}

/** Reads all names again if any of them may have changed. Gives the path of this session. */
async function look(work: Work, names: Shared, isOwn: boolean, version: number): Promise<string> {
  const [[path, moment, sums] = []] = await work.rows(stampSql, [isOwn ? null : names.moment]);
  if (names.known === undefined || (sums !== null && sums !== names.sums)) {
    const [row = []] = await work.rows(snapshotSql);
    names.known = readSnapshot(row, version);
    names.paths = new Map();
    names.sums = sums ?? "";
  }
  names.moment = moment ?? null;
  names.checked = performance.now();
  return path ?? "[]";
}

function along(names: Shared, path: string): Current {
  const found = names.paths.get(path);
  if (found !== undefined) return found;
  const texts = new Map<string, unknown>();
  const made: Current = {
    // Known by now: `look` has run for these names at least once.
    snapshot: (names.known as Known).along(JSON.parse(path)),
    bodies: new Map(),
    async remembered<Result>(kind: string, text: string, make: () => Promise<Result>) {
      const key = `${kind}\0${text}`;
      if (texts.has(key)) return texts.get(key) as Result;
      const result = await make();
      if (texts.size >= mostTexts) texts.clear();
      texts.set(key, result);
      return result;
    },
  };
  names.paths.set(path, made);
  return made;
}
