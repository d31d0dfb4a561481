import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Problem, problem } from "../problem.ts";
import { writeParquet } from "./parquet.ts";
import { makeShop } from "./shop.ts";
import { writeSqlite } from "./sqlite.ts";
import { toCsv } from "./table.ts";

export interface DemoOptions {
  /** Made when missing; a folder that holds other things is refused. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Told what is being done, one short sentence each. */
  readonly progress?: (step: string) => void;
}

export interface DemoReport {
  readonly folder: string;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
  readonly tables: readonly { readonly name: string; readonly rows: number }[];
  readonly rows: number;
}

/** Everything of ours in the folder that is not data starts like this, so that a folder can be recognised. */
const mark = ".tidegate-demo";
const data = ["shop.db", "customers.csv", "products.parquet", "orders.parquet", "order_items.parquet"] as const;

/**
 * Fills a folder with the demo shop, replacing an earlier demo file by file and leaving anything else
 * in it alone. Files appear whole: they are built in a folder beside them and renamed.
 * @throws CONFLICT, INPUT_INVALID, CANCELLED
 */
export async function createDemo({ folder, signal, progress = () => {} }: DemoOptions): Promise<DemoReport> {
  try {
    await claim(folder);
    const workshop = await mkdtemp(join(folder, `${mark}-`));
    try {
      const tables = await build(workshop, signal, progress);
      for (const name of data) await rename(join(workshop, name), join(folder, name));
      const files = await Promise.all(data.map(async (name) => ({ name, bytes: (await stat(join(folder, name))).size })));
      return { folder, files, tables, rows: tables.reduce((sum, { rows }) => sum + rows, 0) };
    } finally {
      await rm(workshop, { recursive: true, force: true });
    }
  } catch (error) {
    throw explained(error, folder);
  }
}

/** Makes the folder, or makes sure it is empty or an earlier demo, and marks it as ours. */
async function claim(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const entries = await readdir(folder);
  if (entries.length > 0 && !entries.some((name) => name.startsWith(mark))) {
    throw problem(
      "CONFLICT",
      `Cannot create the demo in "${folder}": the folder holds other files`,
      "Name a new folder: tidegate demo ./another-folder",
    );
  }
  await writeFile(join(folder, mark), "This folder was filled by `tidegate demo`; running it again replaces the demo's files.\n");
  // A write-ahead log left by a reader of the old file would be applied to the new one.
  const leftovers = entries.filter((name) => name.startsWith(`${mark}-`) || /^shop\.db-(wal|shm|journal)$/.test(name));
  for (const name of leftovers) await rm(join(folder, name), { recursive: true, force: true });
}

async function build(folder: string, signal: AbortSignal, progress: (step: string) => void): Promise<DemoReport["tables"]> {
  progress("Making up customers, products and three years of orders");
  const shop = makeShop();
  signal.throwIfAborted();
  progress("Writing shop.db");
  writeSqlite(join(folder, "shop.db"), shop);
  await writeFile(join(folder, "customers.csv"), toCsv(shop.customers));
  signal.throwIfAborted();
  progress("Writing Parquet files");
  await writeParquet(folder, [shop.products, shop.orders, shop.orderItems]);
  signal.throwIfAborted();
  return Object.values(shop).map(({ name, rows }) => ({ name, rows: rows.length }));
}

const refusals: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the disk is read-only",
  ENOSPC: "the disk is full",
  EEXIST: "a file of that name is in the way",
  ENOTDIR: "a file of that name is in the way",
  EBUSY: "a file of an earlier demo is open in another program",
};

function explained(error: unknown, folder: string): unknown {
  if (error instanceof Problem || !(error instanceof Error) || !("code" in error)) return error;
  const reason = refusals[String(error.code)];
  return reason === undefined
    ? error
    : problem(
        "INPUT_INVALID",
        `Cannot create the demo in "${folder}": ${reason}`,
        "Name another folder: tidegate demo ./another-folder",
        error,
      );
}
