import type { Engine, Scope, Session } from "../engine.ts";
import type { Facts } from "../facts.ts";
import { connectionClosed, refusal } from "../refusal.ts";
import { tokensOf } from "../sql/lexer.ts";
import type { LocalPlace } from "../target/place.ts";
import { locate } from "./locate.ts";
import type { Native, NativeDatabase } from "./native.ts";
import type { OpenFile } from "./open.ts";
import { syncReplica } from "./replica.ts";
import { createStatements } from "./statements.ts";

interface Deps extends OpenFile {
  readonly native: Native;
  readonly place: LocalPlace;
  readonly readOnly: boolean;
  readonly reopen: () => Promise<OpenFile>;
}

/** A file through the native engine. Every call blocks until the engine has answered. */
export function createLocalEngine({ native, place, readOnly, facts, reopen, ...opened }: Deps): Engine {
  let database: NativeDatabase | undefined = opened.database;
  const statements = () => {
    if (database === undefined) throw connectionClosed();
    return createStatements(native, database);
  };
  const run = (sql: string) => statements().run(sql);
  const inTransaction = () => database !== undefined && native.databaseInTransaction(database);
  const close = () => {
    if (database !== undefined) native.databaseClose.call(database);
    database = undefined;
  };
  const refresh = refresher(native, place, readOnly);
  const here = sessionOn(facts, statements, refresh);
  const begin = (): Scope => {
    // A caller's own `begin` may have come before.
    const inner = inTransaction();
    run(inner ? "savepoint tidegate" : "begin");
    return {
      ...here,
      commit: async () => void run(inner ? "release tidegate" : "commit"),
      async rollback() {
        // A trigger or a full disk may have rolled everything back already.
        if (!inTransaction()) return;
        if (inner) run("rollback to tidegate");
        run(inner ? "release tidegate" : "rollback");
      },
    };
  };
  return {
    ...here,
    readOnly,
    get ended() {
      return database === undefined;
    },
    begin: async () => begin(),
    async tryWrite(table) {
      const scope = begin();
      try {
        run(`create table ${table} (x)`);
        return { refused: false };
      } finally {
        await scope.rollback();
      }
    },
    async reset() {
      if (inTransaction()) run("rollback");
      // Settings, attached files and temporary tables go with the handle; a database in memory would, too.
      if (place.path === ":memory:") return;
      close();
      database = (await reopen()).database;
    },
    close: async () => close(),
  };
}

function sessionOn(facts: Facts, statements: () => ReturnType<typeof createStatements>, refresh: () => Promise<void>): Session {
  return {
    facts,
    async describe(sql) {
      const { prepare, columns, isReadOnly } = statements();
      try {
        const statement = prepare(sql);
        return { columns: columns(statement), readOnly: isReadOnly(statement, sql) };
      } catch (error) {
        throw locate(error, sql, prepare);
      }
    },
    async read(sql, args, { rewritten }) {
      await refresh();
      const { prepare, columns, read } = statements();
      const [first, second] = tokensOf(sql);
      if (first?.word === "explain" && second?.word !== "query") throw programRefused();
      const described = columns(prepare(sql));
      return read(rewritten === undefined ? sql : rewritten(described), described, args.values);
    },
    write: async (sql, args) => statements().run(sql, args.values),
  };
}

/** A program lists bytes as if they were text, and over text that is not Unicode the native engine ends its process. */
function programRefused(): Error {
  const message = "EXPLAIN tells the plan of a statement on a file, not its program";
  return refusal({ code: "UNSUPPORTED", message, hint: "Use EXPLAIN QUERY PLAN" });
}

/** Brings a replica up to date once the last time is too long ago. */
function refresher(native: Native, place: LocalPlace, readOnly: boolean): () => Promise<void> {
  const { replica } = place;
  const { intervalMillis = Number.POSITIVE_INFINITY } = replica ?? {};
  let last = performance.now();
  return async () => {
    if (replica === undefined || !readOnly || performance.now() - last < intervalMillis) return;
    await syncReplica(native, place, replica);
    last = performance.now();
  };
}
