import type { CatalogObject, ObjectName } from "../contract/catalog.ts";
import type { Catalogs } from "./catalog.ts";

/** The columns of every relation by name, as they were when last read. */
export interface ColumnIndex {
  refresh(connection: string, signal: AbortSignal): Promise<void>;
  /** Empty for what is not there; the same list until the catalog was read again. */
  of(connection: string, relation: ObjectName): readonly string[];
}

export function createColumnIndex(catalogs: Pick<Catalogs, "read">): ColumnIndex {
  const known = new Map<string, Known>();
  return {
    async refresh(connection, signal) {
      const objects = await catalogs.read(connection, { detail: "columns", signal });
      if (known.get(connection)?.objects === objects) return;
      const columns = new Map(objects.map((object) => [key(object), (object.columns ?? []).map(({ name }) => name)]));
      known.set(connection, { objects, columns });
    },
    of: (connection, relation) => known.get(connection)?.columns.get(key(relation)) ?? none,
  };
}

interface Known {
  readonly objects: readonly CatalogObject[];
  readonly columns: ReadonlyMap<string, readonly string[]>;
}

const none: readonly string[] = [];

const key = ({ schema, name }: ObjectName): string => `${schema ?? ""}\0${name}`;
