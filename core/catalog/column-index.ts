import type { ObjectName } from "../contract/catalog.ts";
import type { Catalogs } from "./catalog.ts";

/** The columns of every relation by name, as they were when last read. */
export interface ColumnIndex {
  refresh(connection: string, signal: AbortSignal): Promise<void>;
  /** Empty for what is not there. */
  of(connection: string, relation: ObjectName): readonly string[];
}

export function createColumnIndex(catalogs: Pick<Catalogs, "read">): ColumnIndex {
  const known = new Map<string, Map<string, readonly string[]>>();
  return {
    async refresh(connection, signal) {
      const objects = await catalogs.read(connection, { detail: "columns", signal });
      known.set(connection, new Map(objects.map((object) => [key(object), (object.columns ?? []).map(({ name }) => name)])));
    },
    of: (connection, relation) => known.get(connection)?.get(key(relation)) ?? [],
  };
}

const key = ({ schema, name }: ObjectName): string => `${schema ?? ""}\0${name}`;
