import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ExportedFile, Lineage } from "../../core/contract/results.ts";
import { lineageEvents } from "../../core/results/lineage-events.ts";
import { type LineageGraph, lineageGraph } from "../../core/results/lineage-graph.ts";
import { lineageMermaid } from "../../core/results/lineage-mermaid.ts";
import { lineageText } from "../../core/results/lineage-text.ts";
import type { Recalled } from "../../core/results/results.ts";
import { problemOf } from "../support/config-folder.ts";

const trace = (n: number) => String(n).padStart(32, "0");
const made = (name: string, lineage: Partial<Lineage>, more: Partial<Recalled> = {}): Recalled => ({
  name,
  columns: [{ name: "n", type: "int", nativeType: "INTEGER" }],
  rows: 10,
  bytes: 4096,
  created: Date.UTC(2026, 0, 2, 3, 4, 5),
  expires: Date.UTC(2026, 0, 3),
  lineage: {
    connection: "results",
    fingerprint: "0123456789abcdef",
    sql: "select 1",
    objects: [],
    parents: [],
    traceId: trace(1),
    ...lineage,
  },
  ...more,
});
const odd = 'or"d`e]rs<br>#\n;--> x';
const all = [
  made("r1", { connection: "shop", objects: ["main.orders", odd], policy: "max 100 rows", traceId: trace(7) }, { gone: "removed" }),
  made("r2", { connection: "crm", objects: ["public.people"] }, { truncated: "rows" }),
  made("r3", { parents: ["r1", "r2", "r0"], objects: ["main.orders", "public.people"] }),
  made("r4", { parents: ["r3", "r1"] }, { rows: 1 }),
];
const file: ExportedFile = {
  path: '/tmp/a "b".csv',
  format: "csv",
  rows: 10,
  bytes: 99,
  sha256: "ab".repeat(32),
  created: Date.UTC(2026, 0, 2),
  lineage: { ...(all[3] as Recalled).lineage, parents: ["r4"] },
};
const graphOf = (name: string): Promise<LineageGraph> =>
  lineageGraph(name, {
    recall: async (wanted) => all.find((each) => each.name === wanted),
    names: async () => all.map((each) => each.name),
    files: async () => [file, { ...file, path: "/tmp/other", lineage: { ...file.lineage, parents: [] } }],
  });

describe("the lineage of a result", () => {
  it("goes back to all it was made of, each once, also what is gone", async () => {
    const { results, forgotten, files } = await graphOf("r4");
    assert.deepEqual(
      results.map(({ name }) => name),
      ["r1", "r2", "r3", "r4"],
    );
    assert.deepEqual([forgotten, files.length], [["r0"], 1]);
    const refused = await problemOf(graphOf("r5"));
    assert.deepEqual([refused.code, refused.hint?.includes('"r1"')], ["NOT_FOUND", true]);
  });

  it("is text that commands no terminal", async () => {
    const text = lineageText(await graphOf("r4"));
    assert.equal(
      text,
      `r4  1 row, 2026-01-02T03:04:05Z
  made of r3, r1
  sql  select 1
  fingerprint 0123456789abcdef, trace ${trace(1)}
  r3  10 rows, 2026-01-02T03:04:05Z
    made of r1, r2, r0
    sql  select 1
    fingerprint 0123456789abcdef, trace ${trace(1)}
    r1  10 rows, 2026-01-02T03:04:05Z, removed
      read from shop: main.orders, or"d\`e]rs<br>#\\n;--> x
      sql  select 1
      fingerprint 0123456789abcdef, trace ${trace(7)}
      policy  max 100 rows
    r2  10 rows, truncated: rows, 2026-01-02T03:04:05Z
      read from crm: public.people
      sql  select 1
      fingerprint 0123456789abcdef, trace ${trace(1)}
    r0  no longer remembered
  r1  see above
  exported  /tmp/a "b".csv  10 rows, 99 bytes, 2026-01-02T00:00:00Z, sha256 ${"ab".repeat(32)}
`,
    );
  });

  it("is a flowchart in which names cannot be anything else", async () => {
    const lines = lineageMermaid(await graphOf("r4"))
      .trimEnd()
      .split("\n");
    assert.equal(lines.shift(), "flowchart LR");
    for (const line of lines)
      assert.match(line, /^ {2}(\w+ --> \w+|\w+(\[\("[^"`\n<>]*(<br\/>[^"`\n<>]*)*"\)\]|\["[^"`]*"\]|\[\/"[^"`]*"\/\]))$/);
    assert.ok(lines.includes('  s2[("shop<br/>or#34;d#96;e#93;rs#60;br#62;#35;#10;#59;--#62; x")]'), lines.join("\n"));
    const arrows = lines.flatMap((line) => / {2}(\w+ --> \w+)/.exec(line)?.[1] ?? []);
    assert.deepEqual(arrows.toSorted(), [
      "r0 --> r3",
      "r1 --> r3",
      "r1 --> r4",
      "r2 --> r3",
      "r3 --> r4",
      "r4 --> f1",
      "s1 --> r1",
      "s2 --> r1",
      "s3 --> r2",
    ]);
  });

  it("is OpenLineage, with all that its schema requires", async () => {
    const producer = { uri: "https://example.org/tidegate", owner: "local" };
    const events = lineageEvents(await graphOf("r4"), producer) as any[];
    assert.equal(events.length, 5);
    for (const event of events) checkEvent(event);
    const [first, , third, , written] = events;
    assert.deepEqual(
      first.inputs.map(({ namespace, name }: { namespace: string; name: string }) => [namespace, name]),
      [
        ["shop", "main.orders"],
        ["shop", odd],
      ],
    );
    assert.deepEqual(first.outputs[0].facets.schema.fields, [{ name: "n", type: "INTEGER" }]);
    assert.deepEqual(first.run.facets.tidegate.policy, "max 100 rows");
    // What one writes is what another reads.
    assert.equal(third.inputs[0].name, first.outputs[0].name);
    assert.deepEqual([written.outputs[0].namespace, written.outputs[0].name], ["file", file.path]);
    assert.equal(new Set(events.map((event) => event.run.runId)).size, 5);
    assert.deepEqual(lineageEvents(await graphOf("r4"), producer), events);
  });
});

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** What the JSON Schema of OpenLineage 2-0-2 requires of a RunEvent and of the facets that are used. */
function checkEvent(event: any): void {
  assert.equal(event.eventType, "COMPLETE");
  assert.equal(new Date(event.eventTime).toISOString(), event.eventTime);
  assert.equal(event.schemaURL, "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent");
  assert.ok(URL.canParse(event.producer));
  assert.match(event.run.runId, uuid);
  assert.match(event.run.facets.parent.run.runId, uuid);
  for (const job of [event.job, event.run.facets.parent.job]) for (const part of [job.namespace, job.name]) assert.ok(part.length > 0);
  assert.equal(typeof event.job.facets.sql.query, "string");
  for (const set of [...event.inputs, ...event.outputs]) assert.ok(typeof set.namespace === "string" && typeof set.name === "string");
  for (const { outputFacets } of event.outputs)
    assert.ok(Number.isInteger(outputFacets.outputStatistics.rowCount) && Number.isInteger(outputFacets.outputStatistics.size));
  const facets = [event.run, event.job, ...event.inputs, ...event.outputs].flatMap(({ facets = {}, outputFacets = {} }) => [
    ...Object.values<any>(facets),
    ...Object.values<any>(outputFacets),
  ]);
  for (const { _producer, _schemaURL } of facets) assert.ok(URL.canParse(_producer) && /#\/\$defs\/\w+$/.test(_schemaURL));
}
