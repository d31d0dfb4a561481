import { openWorld, policy } from "/work/main/tests/guard/harness.ts";
import { portableAttacks } from "/work/main/tests/guard/portable-attacks.ts";
import { canary } from "/work/main/tests/guard/shop.ts";

const name = process.argv[2]!;
const which = process.argv[3] ?? "all";
const m =
  name === "duckdb"
    ? await import("/work/main/tests/guard/duckdb-shop.ts").then((x) => ({ engine: x.duckdbEngine, rules: x.duckdbRules }))
    : await import("/work/main/tests/guard/sqlite-shop.ts").then((x) => ({ engine: x.sqliteEngine, rules: x.sqliteRules }));
const own = await import(`/work/main/tests/guard/${name}-attacks.ts`).then((x) => x[`${name}Attacks`]).catch(() => []);
const groups = [...(which === "own" ? [] : portableAttacks), ...(which === "portable" ? [] : own)];
const worlds = await Promise.all((["first", "second", "gone"] as const).map((v) => openWorld(m.engine, policy(m.rules), v)));
const [a, b, c] = worlds as any;
let n = 0,
  dead = 0,
  cost = 0;
const short = (s: string) => s.slice(0, 150).replace(/\n/g, "\\n");
let before = await a.fingerprint();
for (const g of groups)
  for (const sql of g.sql) {
    n++;
    const t = performance.now();
    const [x, y, z] = [await a.ask(sql), await b.ask(sql), await c.ask(sql)];
    const [ex, ey] = [await a.explain(sql), await b.explain(sql)];
    const ms = performance.now() - t;
    if (ms > 1500) console.log(`SLOW ${ms | 0} ms: ${short(sql)}`);
    const problems: string[] = [];
    if (g.must === "refused" && x.answered) problems.push(`ANSWERED ${short(x.text)}`);
    if (x.code === "INTERNAL") problems.push(`INTERNAL ${short(x.text)}`);
    if (canary.test(x.answered ? x.values : x.text.replaceAll(sql, ""))) problems.push(`CANARY ${short(x.text)}`);
    if ((canary.test(ex.text.replaceAll(sql,"")) && ex.answered && !canary.test(sql) || ex.answered && /tidegate_/.test(ex.text))) problems.push(`CANARY explain ${short(ex.text)}`);
    if (x.text !== y.text) problems.push(`DIFFERS\n   ${short(x.text)}\n   ${short(y.text)}`);
    if (ex.text !== ey.text) problems.push(`EXPLAIN DIFFERS\n   ${ex.text.slice(0, 600)}\n   ${ey.text.slice(0, 600)}`);
    if (g.unseen !== false && g.must === "blind" && x.text !== z.text) problems.push(`EXISTENCE\n   ${short(x.text)}\n   ${short(z.text)}`);
    if (x.rows > 50) problems.push("CAP " + x.rows);
    if (g.must === "blind") {
      const [rx, ry] = [await a.ask(sql, "root"), await b.ask(sql, "root")];
      if (!rx.answered || rx.text === ry.text) {
        dead++;
        if (process.argv[4] === "dead") console.log(`DEAD [${g.class}] ${short(sql)} => ${short(rx.text)}`);
      }
    } else if (process.argv[4] === "dead") console.log(`[${g.class}] ${short(sql)} => ${short(x.text)}`);
    const after = await a.fingerprint();
    if (after !== before) problems.push(`STATE ${after.slice(0, 400)}`);
    before = after;
    if (problems.length) {
      cost++;
      console.log(`[${g.class}] ${short(sql)}\n  ${problems.join("\n  ")}`);
    }
  }
console.log({ n, dead, bad: cost });
for (const w of worlds) await w.close();
