import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Connection } from "../../core/contract/driver.ts";
import { legitimate } from "../contract/analyzer/cases.ts";
import { mysqlAnalyzerFixture } from "./mysql-analyzer-fixture.ts";
import { type Peer, peers } from "./mysql-peers.ts";

const setup = [
  "create table person (id integer not null primary key, name varchar(40), email varchar(80), region varchar(10), boss_id integer)",
  "create table purchase (id integer not null primary key, person_id integer, total decimal(10,2), placed date)",
  "create table salary (person_id integer not null primary key, amount integer)",
  "create view contact as select id, name, email from person",
  "create view address as select id as nr, email as mail from contact",
  "create view spent as select person_id, sum(total) as total, count(*) as times from purchase group by person_id",
];
const marker = "(select max(amount) from salary)";

/** Every text that comes of putting the marker in the place of one word, number or literal. */
function* marked(sql: string): Generator<string> {
  for (const { 0: token, index } of sql.matchAll(/'(?:[^']|'')*'|`[^`]*`|"[^"]*"|[\w.]+|\*|\?/g))
    yield `${sql.slice(0, index)} ${marker} ${sql.slice(index + token.length)}`;
}

for (const { name, absence, start } of peers) {
  describe(`${name} hides a subquery in no place of a statement`, { skip: absence }, () => {
    let peer: Peer;
    let connection: Connection;
    before(async () => {
      peer = await start("guard");
      for (const sql of setup) await peer.run(sql);
      connection = await peer.open(true);
    });
    after(async () => {
      await connection?.[Symbol.asyncDispose]();
      await peer?.stop();
    });

    it("of all that analysts write", async () => {
      let seen = 0;
      const missed: string[] = [];
      for (const statement of [...legitimate, ...mysqlAnalyzerFixture.legitimate]) {
        for (const sql of marked(statement)) {
          const [found] = await connection.analyze(sql).catch(() => []);
          const { analysis } = found ?? {};
          if (found?.kind !== "read" || analysis === undefined || analysis.unresolved !== undefined) continue;
          if (analysis.relations.some((use) => use.name === "salary")) seen++;
          else missed.push(sql);
        }
      }
      // In comments and texts it is none: without the table these run all the same.
      await peer.run("rename table salary to moved");
      for (const sql of missed) await peer.run(sql);
      await peer.run("rename table moved to salary");
      assert.ok(seen > 500, `${seen} places`);
    });
  });
}
