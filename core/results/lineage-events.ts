import { createHash } from "node:crypto";
import type { ExportedFile, Lineage } from "../contract/results.ts";
import type { Column } from "../contract/rows.ts";
import type { LineageGraph } from "./lineage-graph.ts";
import type { Recalled } from "./results.ts";

const spec = "https://openlineage.io/spec";
const schemaUrl = `${spec}/2-0-2/OpenLineage.json#/$defs/RunEvent`;

/** Something that was read or written, as OpenLineage names it. */
interface Dataset {
  readonly namespace: string;
  readonly name: string;
  readonly facets?: object;
  readonly outputFacets?: object;
}

/** What says who sends the events: a URI, and whose results they are. */
export interface Producer {
  readonly uri: string;
  readonly owner: string;
}

/** OpenLineage events, one for each result and file, what was made first first: an array, as its batch endpoint takes. */
export function lineageEvents({ results, files }: LineageGraph, producer: Producer): readonly object[] {
  const known = new Map(results.map((result) => [result.name, result]));
  const inputs = ({ connection, objects, parents }: Lineage): Dataset[] =>
    parents.length > 0
      ? parents.map((name) => resultSet(name, known.get(name)?.columns, producer))
      : objects.map((name) => ({ namespace: connection, name }));
  const made = results.map((result) =>
    eventOf({ ...result, key: result.name, inputs: inputs(result.lineage), outputs: [outputOf(result, producer)] }, producer),
  );
  const written = files.map((file) =>
    eventOf({ ...file, key: file.path, inputs: inputs(file.lineage), outputs: [fileSet(file, producer)] }, producer),
  );
  return [...made, ...written];
}

interface Made {
  readonly key: string;
  readonly created: number;
  readonly lineage: Lineage;
  readonly inputs: readonly Dataset[];
  readonly outputs: readonly Dataset[];
}

function eventOf({ key, created, lineage, inputs, outputs }: Made, producer: Producer): object {
  const { fingerprint, traceId, sql, policy, connection } = lineage;
  const facet = facetOf(producer);
  return {
    eventType: "COMPLETE",
    eventTime: new Date(created).toISOString(),
    run: {
      runId: uuidOf(producer.owner, key, traceId, String(created)),
      facets: {
        parent: facet("facets/1-0-0/ParentRunFacet.json#/$defs/ParentRunFacet", {
          run: { runId: uuidOf(traceId) },
          job: { namespace: "tidegate", name: "call" },
        }),
        tidegate: facet("2-0-2/OpenLineage.json#/$defs/RunFacet", { traceId, fingerprint, ...(policy !== undefined && { policy }) }),
      },
    },
    job: {
      namespace: "tidegate",
      name: `${connection}.${fingerprint}`,
      ...(sql !== undefined && { facets: { sql: facet("facets/1-0-0/SQLJobFacet.json#/$defs/SQLJobFacet", { query: sql }) } }),
    },
    inputs,
    outputs,
    producer: producer.uri,
    schemaURL: schemaUrl,
  };
}

function resultSet(name: string, columns: readonly Column[] | undefined, producer: Producer): Dataset {
  const fields = columns?.map((column) => ({ name: column.name, type: column.nativeType || column.type }));
  const schema = fields && facetOf(producer)("facets/1-0-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet", { fields });
  return { namespace: "tidegate", name: `${producer.owner}.${name}`, ...(schema && { facets: { schema } }) };
}

function outputOf({ name, columns, rows, bytes }: Recalled, producer: Producer): Dataset {
  return { ...resultSet(name, columns, producer), outputFacets: { outputStatistics: statistics(rows, bytes, producer) } };
}

function fileSet({ path, rows, bytes, sha256, format }: ExportedFile, producer: Producer): Dataset {
  const facet = facetOf(producer);
  return {
    namespace: "file",
    name: path,
    facets: {
      storage: facet("facets/1-0-0/StorageDatasetFacet.json#/$defs/StorageDatasetFacet", { storageLayer: "file", fileFormat: format }),
      version: facet("facets/1-0-0/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet", { datasetVersion: sha256 }),
    },
    outputFacets: { outputStatistics: statistics(rows, bytes, producer) },
  };
}

function statistics(rowCount: number, size: number, producer: Producer): object {
  return facetOf(producer)("facets/1-0-0/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet", {
    rowCount,
    size,
  });
}

const facetOf =
  ({ uri }: Producer) =>
  (schema: string, facts: object): object => ({ _producer: uri, _schemaURL: `${spec}/${schema}`, ...facts });

/** The same for the same: an event that is sent twice is one run. */
function uuidOf(...parts: readonly string[]): string {
  const hex = createHash("sha256").update(JSON.stringify(parts)).digest("hex");
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `${variant}${hex.slice(17, 20)}`, hex.slice(20, 32)].join("-");
}
