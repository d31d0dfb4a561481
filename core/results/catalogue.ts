import type { ExportedFile, Lineage, StoredResult, Truncated } from "../contract/results.ts";
import type { Column } from "../contract/rows.ts";
import type { State } from "./state.ts";

/** Why a result is no longer there. */
export type Gone = "expired" | "removed" | "lost";

/** A stored result with what its owner is not told. */
export interface Entry extends StoredResult {
  readonly id: string;
  readonly owner: string;
  readonly state: "kept" | Gone;
  readonly used: number;
  /** The policy in force when it was read. */
  readonly policy: string;
}

export interface NewEntry extends Omit<Entry, "name" | "state" | "used"> {
  /** What decides the answer; the same question may then be answered from here. */
  readonly asked?: string;
}

/** A file with whoever had it written. */
export interface FileEntry extends ExportedFile {
  readonly owner: string;
}

/** The results and files a state knows. Names are given once for each owner and never again. */
export interface Catalogue {
  add(entry: NewEntry): Entry;
  find(owner: string, name: string): Entry | undefined;
  /** Those that are kept, oldest first; of everybody without an owner. */
  kept(owner?: string): readonly Entry[];
  /** The youngest kept answer to a question. */
  answer(asked: string): Entry | undefined;
  use(id: string, now: number, expires: number): void;
  /** False when it was gone already. */
  drop(id: string, why: Gone): boolean;
  /** Forgets answers read from a connection, and with `before` what has been gone since then. */
  forget(what: { readonly connection: string } | { readonly before: number }): void;
  addFile(file: FileEntry): void;
  files(owner: string, sha256?: string): readonly ExportedFile[];
}

export function createCatalogue(state: State): Catalogue {
  const entries = (where: string, ...params: (string | number)[]): readonly Entry[] =>
    state.all(`SELECT * FROM results WHERE ${where}`, ...params).map(entryOf);
  return {
    add(entry) {
      return state.together(() => {
        const [row] = state.all(
          "INSERT INTO owners VALUES (?, 1) ON CONFLICT (owner) DO UPDATE SET given = given + 1 RETURNING given",
          entry.owner,
        );
        const { asked, ...rest } = entry;
        const added: Entry = { ...rest, name: `r${row?.given}`, state: "kept", used: entry.created };
        state.run(
          "INSERT INTO results VALUES (?, ?, ?, 'kept', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          ...[added.id, added.owner, added.name, JSON.stringify(added.columns), added.rows, added.bytes, added.truncated ?? null],
          ...[added.created, added.used, added.expires, JSON.stringify(added.lineage), added.policy, asked ?? null],
        );
        return added;
      });
    },
    find: (owner, name) => entries("owner = ? AND name = ?", owner, name.toLowerCase())[0],
    kept: (owner) =>
      owner === undefined
        ? entries("state = 'kept' ORDER BY created")
        : entries("state = 'kept' AND owner = ? ORDER BY created, length(name), name", owner),
    answer: (asked) => entries("asked = ? AND state = 'kept' ORDER BY created DESC LIMIT 1", asked)[0],
    use: (id, now, expires) => void state.run("UPDATE results SET used = ?, expires = ? WHERE id = ?", now, expires, id),
    drop: (id, why) => state.run("UPDATE results SET state = ? WHERE id = ? AND state = 'kept'", why, id) > 0,
    forget(what) {
      if ("before" in what) state.run("DELETE FROM results WHERE state <> 'kept' AND expires < ?", what.before);
      else state.run("UPDATE results SET asked = NULL WHERE asked IS NOT NULL AND lineage ->> 'connection' = ?", what.connection);
    },
    addFile({ owner, path, format, rows, bytes, sha256, created, lineage }) {
      state.run(
        "INSERT INTO files (owner, path, format, rows, bytes, sha256, created, lineage) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        ...[owner, path, format, rows, bytes, sha256, created, JSON.stringify(lineage)],
      );
    },
    files(owner, sha256) {
      const found =
        sha256 === undefined
          ? state.all("SELECT * FROM files WHERE owner = ? ORDER BY id", owner)
          : state.all("SELECT * FROM files WHERE owner = ? AND sha256 = ? ORDER BY id", owner, sha256);
      return found.map(fileOf);
    },
  };
}

type Row = Readonly<Record<string, string | number | null>>;

function entryOf(row: Row): Entry {
  return {
    id: String(row.id),
    owner: String(row.owner),
    name: String(row.name),
    state: row.state as Entry["state"],
    columns: JSON.parse(String(row.columns)) as Column[],
    rows: Number(row.rows),
    bytes: Number(row.bytes),
    ...(row.truncated !== null && { truncated: row.truncated as Truncated }),
    created: Number(row.created),
    used: Number(row.used),
    expires: Number(row.expires),
    lineage: JSON.parse(String(row.lineage)) as Lineage,
    policy: String(row.policy),
  };
}

function fileOf(row: Row): ExportedFile {
  return {
    path: String(row.path),
    format: String(row.format),
    rows: Number(row.rows),
    bytes: Number(row.bytes),
    sha256: String(row.sha256),
    created: Number(row.created),
    lineage: JSON.parse(String(row.lineage)) as Lineage,
  };
}
