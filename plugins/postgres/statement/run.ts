import type { Params, QueryOptions } from "../../../core/contract/driver.ts";
import type { Batch, RowStream, Value } from "../../../core/contract/rows.ts";
import type { Guard } from "../guard/guard.ts";
import type { Session } from "../session.ts";
import { passGate } from "../sql/gate.ts";
import { lower } from "../sql/kind.ts";
import type { Names } from "../values/names.ts";
import { bind, describeStatement, execute, flush, parse } from "../wire/messages.ts";
import { type Field, readFields } from "../wire/replies.ts";
import { outcomeUnknown, tag } from "../wire/wire.ts";
import type { Work } from "../work.ts";
import { type Bound, type Describer, isServerError } from "./describe.ts";
import { decodeRow, PortalRows, portal } from "./rows.ts";

export interface Engine {
  readonly session: Session;
  readonly names: Names;
  readonly describer: Describer;
  readonly guard: Guard;
}

/** Statements that can run in a transaction and give their rows in pieces. */
const streaming = /^(?:select|values|table|with|\(|insert|update|delete|merge|show|explain)$/;

export async function runStatement(engine: Engine, sql: string, params: Params, options: QueryOptions): Promise<RowStream> {
  const { session, names } = engine;
  const work = await session.begin(options.signal);
  try {
    const statement = await ready(engine, work, { sql, params, options, readOnly: session.readOnly });
    if (session.readOnly || streaming.test(lower(statement.tokens[0]))) return await openTransaction(work, names, statement, options);
    if (session.opened.pins === undefined) return await runAlone(work, names, statement, options);
    return await runPooled(engine, work, statement, options);
  } catch (error) {
    await work.end();
    throw error;
  }
}

/** Runs a statement as a part of the transaction that holds the session. */
export async function runInside(
  engine: Engine,
  { holder, readOnly }: { readonly holder: object; readonly readOnly: boolean },
  { sql, params, options }: { readonly sql: string; readonly params: Params; readonly options: QueryOptions },
): Promise<RowStream> {
  const work = await engine.session.begin(options.signal, holder);
  try {
    await work.savepoint();
    return await openRows(work, engine.names, await ready(engine, work, { sql, params, options, readOnly }), {
      ...options,
      keeps: !readOnly,
    });
  } catch (error) {
    await work.end();
    throw error;
  }
}

interface Asked {
  readonly sql: string;
  readonly params: Params;
  readonly options: Pick<QueryOptions, "restrictions">;
  readonly readOnly: boolean;
}

/** Written so that it can be sent, described and let through. */
export async function ready({ describer, guard }: Engine, work: Work, { sql, params, options, readOnly }: Asked): Promise<Bound> {
  const statement = await describer.bound(work, sql, params, (_, text) => guard.sendable(work, text, options.restrictions));
  passGate(statement.kind, statement.tokens, readOnly);
  if (statement.kind !== "read") guard.changed();
  return statement;
}

async function openTransaction(work: Work, names: Names, statement: Bound, options: QueryOptions): Promise<RowStream> {
  const keeps = !work.session.readOnly;
  work.transaction(keeps ? "READ WRITE" : "READ ONLY");
  return await openRows(work, names, statement, { ...options, keeps });
}

/** Opens a portal inside a transaction, in one round trip. */
async function openRows(
  work: Work,
  names: Names,
  statement: Bound,
  { keeps, ...options }: QueryOptions & { readonly keeps: boolean },
): Promise<RowStream> {
  const owed = work.owed;
  // The first flush brings the columns while the statement still works on its first row.
  work.request(parse(statement.sql), describeStatement, bind(portal, statement.values), flush, execute(portal, options.batchSize));
  work.running = true;
  if (owed) await work.ready();
  const fields = await boundFields(work);
  const rows = new PortalRows({ work, columns: names.columns(fields), decoders: names.decoders(fields), keeps }, options);
  if (keeps) await rows.begun();
  return rows;
}

/** What the server describes now is what it will send: a table may have changed since it was first asked. */
export async function boundFields(work: Work) {
  let fields: ReturnType<typeof readFields> = [];
  while ((await work.reply()) !== tag.bindComplete) {
    if (work.wire.type === tag.rowDescription) fields = readFields(work.wire.bytes, work.wire.start);
  }
  return fields;
}

/** Through a pooler, only what a transaction leaves behind can be found again and taken back. */
async function runPooled({ session, names }: Engine, work: Work, statement: Bound, options: QueryOptions): Promise<RowStream> {
  try {
    return await openTransaction(work, names, statement, options);
  } catch (error) {
    await work.end();
    if (!isServerError(error) || error.code !== "25001") throw error;
    return await runAlone(await session.begin(options.signal), names, statement, options);
  }
}

/** Runs what cannot be part of a transaction, or ends it; whatever it left in the session is thrown away. */
async function runAlone(work: Work, names: Names, statement: Bound, { batchSize }: QueryOptions): Promise<RowStream> {
  work.synced(parse(statement.sql), describeStatement, bind("", statement.values), execute("", 0));
  work.running = true;
  const { fields, all } = await allRows(work, names).catch((error) => {
    const isAnswer = work.signal.aborted || (isServerError(error) && error.severity === "ERROR");
    throw isAnswer || statement.kind === "read" ? error : outcomeUnknown("the statement ran", error);
  });
  work.running = false;
  await tidied(work).catch((error) => {
    // What the server has answered stands, also when it is gone now.
    if (!work.wire.ended) throw error;
  });
  await work.end();
  return finished(names.columns(fields), all, batchSize);
}

async function allRows(work: Work, names: Names): Promise<{ readonly fields: readonly Field[]; readonly all: Batch }> {
  const fields = await boundFields(work);
  const decoders = names.decoders(fields);
  const columns: Value[][] = decoders.map(() => []);
  let length = 0;
  while ((await work.reply()) !== tag.ready) {
    if (work.wire.type === tag.dataRow) decodeRow(work.wire, decoders, columns, length++);
  }
  return { fields, all: { length, columns } };
}

async function tidied(work: Work): Promise<void> {
  if (!work.idle) await work.forget("ROLLBACK");
  if (work.session.opened.pins === undefined) await work.forget("DISCARD ALL");
}

function finished(columns: RowStream["columns"], all: Batch, batchSize: number): RowStream {
  let over = false;
  return {
    columns,
    async *[Symbol.asyncIterator]() {
      for (let start = 0; start < all.length && !over; start += batchSize) {
        const end = Math.min(start + batchSize, all.length);
        yield { length: end - start, columns: all.columns.map((column) => Array.prototype.slice.call(column, start, end) as Value[]) };
      }
    },
    async [Symbol.asyncDispose]() {
      over = true;
    },
  };
}
