import { sharedParser } from "../plugins/postgres/guard/parser/parser.ts";
import { statementsIn, readStatement } from "../plugins/postgres/guard/analyze.ts";
import { createPostgresDriver } from "../plugins/postgres/driver.ts";
import { readSnapshot } from "../plugins/postgres/guard/snapshot.ts";
import { snapshotSql } from "../plugins/postgres/guard/snapshot-sql.ts";
import { findPostgres, startPostgres } from "./support/services-postgres.ts";
const server = await startPostgres(findPostgres() as string);
try {
server.psql("create database perf");
server.psql("create table person (id int primary key, name text, email text, region text); create table purchase (id int, person_id int, total numeric); create view contact as select id, email from person", "perf");
const row = server.psql(`select to_jsonb(array[${"x"}]) from (select 1) q`.replace("x","1"), "perf");
const cells = server.psql(snapshotSql, "perf").split("|");
console.log(cells.length);
} catch (e) { console.log(String(e).slice(0,300)); }
const out = (await import("node:child_process")).execFileSync(server.bin+"/psql", ["-XAtq", "-F", "\x01", "-h", server.folder, "-p", String(server.port), "-U", "tidegate", "-d", "perf", "-c", snapshotSql], {encoding:"utf8", env: {...process.env, PGPASSWORD: server.password}, maxBuffer: 1e9});
const snap = readSnapshot(out.trimEnd().split("\x01"), 150018).along(["pg_catalog","public"]);
const p = sharedParser(undefined);
const q="select p.region, sum(u.total) as total, row_number() over (partition by p.region order by p.id) from person p join purchase u on u.person_id = p.id where p.email like '%@x' group by p.region, p.id having sum(u.total) > 1 order by 2 desc limit ";
const p50 = (x: number[]) => x.sort((a,b)=>a-b)[x.length>>1]!.toFixed(3);
for (let k=0;k<4;k++){ const a: number[]=[],b:number[]=[],c:number[]=[], d:number[]=[]; for(let i=0;i<300;i++){ let t=performance.now(); const r=await p.read(q+(i+k*300)); a.push(performance.now()-t); if(!("tree" in r)) throw 1; t=performance.now(); await r.text; d.push(performance.now()-t); t=performance.now(); const [s]=statementsIn(r.tree); b.push(performance.now()-t); t=performance.now(); const x=readStatement(s!, "", "", {snapshot: snap, bodies: new Map()}); c.push(performance.now()-t); if (x!.analysis.unresolved) throw x; }
console.log("read", p50(a), "then text", p50(d), "json", p50(b), "resolve", p50(c)); }
await server.stop();
