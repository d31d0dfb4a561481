import type { ObjectName } from "../../../core/contract/catalog.ts";
import type { CopyOptions, PartReader, SplitTable } from "../../../core/contract/driver.ts";
import type { Session } from "../session.ts";
import type { Engine } from "../statement/run.ts";
import { tag } from "../wire/wire.ts";
import type { Work } from "../work.ts";
import { copiedChunks } from "./chunks.ts";
import { type CopyForm, copyForm, copySql } from "./columns.ts";

/** What one part holds on disk, about: small enough to wait in memory for its turn, large enough that starting it costs nothing. */
const partBytes = 4 * 2 ** 20;
/** With fewer parts a second connection takes longer to open than it saves. */
const leastParts = 8;
/** The first to read a range of pages without passing over all others. */
const tidRanges = 140_000;

/** How every connection reads the same parts. */
interface Plan {
  readonly snapshot: string;
  /** The table, quoted. */
  readonly table: string;
  readonly form: CopyForm;
  readonly parts: number;
  readonly pagesPerPart: number;
}

/** Opens a transaction whose snapshot others can take over, and holds it until the reader is disposed. */
export async function splitTable(
  { session, describer, names }: Engine,
  { schema, name }: ObjectName,
  { signal, spelling }: Pick<CopyOptions, "signal" | "spelling">,
): Promise<SplitTable | undefined> {
  if (session.opened.facts.version < tidRanges) return undefined;
  const table = [...(schema === undefined ? [] : [schema]), name].map((part) => `"${part.replaceAll('"', '""')}"`).join(".");
  const work = await session.begin(signal);
  try {
    work.transaction("ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    await work.ready();
    // Locks the table, so that it is the same for whoever joins.
    await work.rows(`select from ${table} limit 0`);
    const { fields } = await describer.bound(work, `select * from ${table}`, []);
    const columns = names.columns(fields);
    const form = copyForm(columns, spelling);
    const [found] = form === undefined ? [] : await work.rows(factsSql, [table]);
    const [pages = 0, bytes = 0] = (found ?? []).map(Number);
    const pagesPerPart = Math.max(1, Math.floor((partBytes * pages) / Math.max(1, bytes)));
    const parts = Math.ceil(pages / pagesPerPart);
    if (form === undefined || parts < leastParts) {
      await work.end();
      return undefined;
    }
    const [[snapshot] = []] = await work.rows("select pg_export_snapshot()");
    const plan: Plan = { snapshot: snapshot ?? "", table, form, parts, pagesPerPart };
    return Object.assign(createReader(work, plan), { columns, parts, token: JSON.stringify(plan) });
  } catch (error) {
    await work.end();
    throw error;
  }
}

/** Reads the same moment over another connection, while the transaction that it comes from is open. */
export async function joinSplit(session: Session, token: string, signal: AbortSignal): Promise<PartReader> {
  const plan: Plan = JSON.parse(token);
  const work = await session.begin(signal);
  try {
    // The snapshot comes before any query, and so before what every transaction begins with.
    work.transaction(`ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '${plan.snapshot}'; SET TRANSACTION READ ONLY`);
    // Whoever waits to change the table waits for the split to end, and would keep us waiting.
    await work.forget("SET LOCAL lock_timeout = '1s'");
    await work.rows(`select from ${plan.table} limit 0`);
    return createReader(work, plan);
  } catch (error) {
    await work.end();
    throw error;
  }
}

/** Pages and bytes of a plain table: one whose rows all lie in its own pages, and that hides none of them. */
const factsSql = `
  select pg_relation_size(c.oid) / current_setting('block_size')::int, pg_table_size(c.oid)
  from pg_class c join pg_am a on a.oid = c.relam
  where c.oid = $1::regclass and c.relkind = 'r' and c.relpersistence <> 't' and not c.relhassubclass and a.amname = 'heap' and not row_security_active(c.oid)
    and has_function_privilege('pg_export_snapshot()', 'execute')`;

function createReader(work: Work, plan: Plan): PartReader {
  const counted = { rows: 0 };
  return {
    get rows() {
      return counted.rows;
    },
    async *copyPart(part) {
      work.signal.throwIfAborted();
      work.simple(partSql(plan, part));
      work.running = true;
      while ((await work.reply()) !== tag.copyOut);
      yield* copiedChunks(work, plan.form.floats, counted);
      await work.ready();
    },
    [Symbol.asyncDispose]: () => work.end(),
  };
}

/** The last part has no end: pages may have been added since they were counted. */
function partSql({ table, form, parts, pagesPerPart }: Plan, part: number): string {
  const from = `ctid >= '(${part * pagesPerPart},0)'`;
  const range = part + 1 < parts ? `${from} and ctid < '(${(part + 1) * pagesPerPart},0)'` : from;
  return copySql(form, `SELECT * FROM ${table} WHERE ${range}`);
}
