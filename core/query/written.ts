import type { RelationUse } from "../contract/analysis.ts";
import type { Connection, QueryOptions, Statement } from "../contract/driver.ts";
import { problem } from "../problem.ts";

interface Lasting {
  readonly connection: Pick<Connection, "catalog">;
  readonly statement: Statement;
  readonly options: QueryOptions;
}

/** Refuses to change what a rollback would not take back. @throws UNSUPPORTED */
export async function refuseLasting({ connection, statement, options }: Lasting): Promise<void> {
  for (const { schema, name } of written(statement)) {
    const object = { name, ...(schema !== undefined && { schema }) };
    const [found] = await connection.catalog.read({ detail: "names", object, signal: options.signal });
    if (found?.transactional !== false) continue;
    throw problem(
      "UNSUPPORTED",
      `In table "${name}" a rollback takes nothing back, so a change of it can neither be tried nor limited to a number of rows`,
      "Have its storage engine changed to one with transactions",
    );
  }
}

/** The relations a statement changes, each once. */
export function written({ analysis }: Statement): RelationUse[] {
  const changed = analysis?.relations.filter(({ access }) => access !== "read") ?? [];
  return [...new Map(changed.map((use) => [JSON.stringify([use.schema, use.name]), use])).values()];
}
