import type { Column } from "../../../core/contract/rows.ts";
import type { Args, Cell, Description, Reader, ReadOptions, Row, Session } from "../engine.ts";
import type { Facts } from "../facts.ts";
import { refusal } from "../refusal.ts";
import { logicalType } from "../values/column-type.ts";
import { answered, connectionLost, serverError, writeError } from "./errors.ts";
import { type Hrana, type Step, type Stream, toStatement } from "./hrana.ts";

/** Rows are handed on so many at a time, fewer where they are wide. */
const mostRows = 256;
const mostBytes = 256 * 1024;
const mostKnown = 100;

interface Seen extends Description {
  /** The schema's version when it was described. */
  readonly version: Cell;
}

interface Places {
  readonly facts: Facts;
  /** A stream for what comes next. */
  readonly open: (signal: AbortSignal) => Stream;
  /** The one stream of a transaction. */
  readonly scope?: Stream;
}

/**
 * Statements on a server: each on a stream of its own, in a transaction that is rolled back, or all on `scope`.
 * What a statement is was asked before, so a read is one request; it says whether the schema is still the same.
 */
export function createSession(hrana: Hrana, { facts, open, scope }: Places): Session {
  const known = new Map<string, Seen>();
  const look = async (sql: string, signal: AbortSignal): Promise<Seen> => {
    const stream = open(signal);
    const described = stream._describe({ sql, sqlId: undefined });
    const versioned = stream._execute(toStatement({ sql: "pragma schema_version" }));
    if (scope === undefined) stream.closeGracefully();
    const [description, version] = await Promise.allSettled([described, versioned]);
    if (description.status === "rejected") throw serverError(description.reason, sql, signal);
    if (version.status === "rejected") throw serverError(version.reason, "", signal);
    const seen: Seen = {
      columns: description.value.cols.map(toColumn),
      readOnly: description.value.isReadonly,
      version: version.value.rows[0]?.[0] ?? null,
    };
    known.set(sql, seen);
    const [oldest] = known.keys();
    if (known.size > mostKnown && oldest !== undefined) known.delete(oldest);
    return seen;
  };
  const attempt = async (sql: string, args: Args, { signal, rewritten, writes }: ReadOptions) => {
    const seen = rewritten === undefined ? undefined : (scope === undefined && known.get(sql)) || (await look(sql, signal));
    const step: Step = { sql: seen === undefined ? sql : (rewritten?.(seen.columns) ?? sql), args };
    const stream = open(signal);
    const alone = scope !== undefined || writes === true;
    const before = alone ? [] : [{ sql: "begin readonly" }, { sql: "pragma schema_version" }];
    const steps: readonly Step[] = alone ? [step] : [...before, step, { sql: "rollback", last: true }];
    return startReader({
      entries: hrana.run(stream, steps),
      at: before.length,
      sql: rewritten === undefined ? sql : "",
      seen,
      signal,
      told: writes === true ? writeError : serverError,
      end: () => scope ?? stream.close(),
    });
  };
  return {
    facts,
    // Whether a statement reads does not change with the schema, and what its columns are is checked when it runs.
    describe: async (sql, signal) => (scope === undefined && known.get(sql)) || (await look(sql, signal)),
    async read(sql, args, options) {
      for (let tries = 0; tries < 3; tries++) {
        const reader = await attempt(sql, args, options);
        if (reader !== undefined) return reader;
        known.delete(sql);
      }
      const message = "The schema keeps changing while the statement starts";
      throw refusal({ code: "CONNECTION_FAILED", message, hint: "Run it again", retryable: true });
    },
    async write(sql, args, signal) {
      const stream = open(signal);
      try {
        const written = stream._execute(toStatement({ sql, args }));
        if (scope === undefined) stream.closeGracefully();
        return (await written).affectedRowCount;
      } catch (error) {
        throw writeError(error, sql, signal);
      }
    },
  };
}

interface Started {
  readonly entries: ReturnType<Hrana["run"]>;
  /** Which step's rows are wanted. */
  readonly at: number;
  readonly sql: string;
  readonly seen: Seen | undefined;
  readonly signal: AbortSignal;
  readonly told: typeof serverError;
  end(): void;
}

/** Reads up to the wanted step; `undefined` when the schema is another one than was described. */
async function startReader(started: Started): Promise<Reader | undefined> {
  const { entries, at, sql, seen, signal, told, end } = started;
  let open = true;
  let step = -1;
  const close = async () => {
    if (!open) return;
    open = false;
    await entries.return();
    end();
  };
  const next = async () => {
    const { value } = await entries.next();
    if (value?.type === "step_begin") step = value.step;
    if (value?.type === "step_error" && value.step <= at) throw answered(value.error, sql);
    if (value?.type === "error") throw answered(value.error, sql);
    return value;
  };
  const guarded = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work();
    } catch (error) {
      await close();
      throw told(error, sql, signal);
    }
  };
  return guarded(async () => {
    for (let entry = await next(); ; entry = await next()) {
      if (entry === undefined) throw connectionLost();
      if (entry.type === "row" && seen !== undefined && entry.row[0] !== seen.version) {
        await close();
        return undefined;
      }
      if (entry.type !== "step_begin" || step !== at) continue;
      const columns = seen?.columns ?? entry.cols.map(toColumn);
      return { columns, close, next: () => guarded(() => rowsFrom(next, close, () => open)) };
    }
  });
}

/** Some rows of the wanted step, up to its end; then the steps after it. */
async function rowsFrom(
  next: () => Promise<Awaited<ReturnType<Started["entries"]["next"]>>["value"]>,
  close: () => Promise<void>,
  isOpen: () => boolean,
): Promise<readonly Row[] | undefined> {
  const rows: Row[] = [];
  let bytes = 0;
  while (isOpen() && rows.length < mostRows && bytes < mostBytes) {
    const entry = await next();
    if (entry === undefined) throw connectionLost();
    if (entry.type === "row") {
      rows.push(entry.row as Row);
      for (const cell of entry.row) bytes += typeof cell === "string" || cell instanceof Uint8Array ? cell.length : 8;
    } else if (entry.type === "step_end") {
      while ((await next()) !== undefined);
      await close();
    }
  }
  return rows.length > 0 ? rows : undefined;
}

function toColumn({ name, decltype }: { readonly name: string | undefined; readonly decltype: string | undefined }): Column {
  return { name: name ?? "", type: logicalType(decltype ?? ""), nativeType: decltype ?? "" };
}
