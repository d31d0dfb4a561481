import { openWorld, policy } from "/work/main/tests/guard/harness.ts";
import { portableAttacks } from "/work/main/tests/guard/portable-attacks.ts";
import { canary } from "/work/main/tests/guard/shop.ts";

const [name, which, verbose] = process.argv.slice(2);
const pg = name === "postgres";
const sp = await import("/work/main/tests/support/services-postgres.ts");
const sm = await import("/work/main/tests/support/services-mysql.ts");
const server: any = pg ? await sp.startPostgres(sp.findPostgres() as string) : await sm.startMariaDb();
const m: any = await import(`/work/main/tests/guard/${name}-shop.ts`);
const t0 = performance.now();
const engine = m[`${name}Engine`](server),
  rules = m[`${name}Rules`];
const worlds: any[] = [];
for (const v of ["first", "second", "gone"] as const) worlds.push(await openWorld(engine, policy(rules), v));
console.log("worlds", (performance.now() - t0) | 0);
const [a, b, c] = worlds;
const own = await import(`/work/main/tests/guard/${name}-attacks.ts`)
  .then((x) => x[`${name}Attacks`])
  .catch((e) => (console.log(e.message), []));
const spell = (sql: string, v: string) =>
  pg ? sql.replace(/\bmain\b/gi, "public") : sql.replace(/\bmain\b/gi, `shop_${v}`).replace(/\b(shop|hr)_at\b/g, `$1_${v}`);
const norm = (s: string) => s.replace(/\b(shop|hr)_(first|second|gone)\b/g, "$1_at");
const short = (s: string) => s.slice(0, 220).replace(/\n/g, "\\n");
const state = () => m[`${name}State`](server, "first");
const before = state();
let n = 0,
  refused = 0,
  bad = 0,
  dead = 0;
const only = process.argv[5];
for (const g of [...(which === "own" ? [] : portableAttacks), ...(which === "portable" ? [] : own)])
  for (const raw of g.sql) {
    if (only && !raw.includes(only)) continue;
    n++;
    const t = performance.now();
    const [x, y, z] = [await a.ask(spell(raw, "first")), await b.ask(spell(raw, "second")), await c.ask(spell(raw, "gone"))];
    const [ex, ey] = raw.length > 5000 ? [x, y] : [await a.explain(spell(raw, "first")), await b.explain(spell(raw, "second"))];
    const ms = performance.now() - t;
    const p: string[] = [];
    if (ms > 1500) p.push(`SLOW ${ms | 0}`);
    if (!x.answered) refused++;
    if (g.must === "refused" && x.answered) p.push("ANSWERED " + short(x.text));
    if (x.code === "INTERNAL") p.push("INTERNAL " + short(x.text));
    const quoted = (s: string) => s.replaceAll(raw, "");
    if (canary.test(x.answered ? x.values : quoted(x.text)) && !canary.test(raw)) p.push("CANARY " + short(x.text));
    if (norm(x.text) !== norm(y.text)) p.push(`DIFFERS\n   ${short(x.text)}\n   ${short(y.text)}`);
    if ((canary.test(quoted(ex.text)) && !canary.test(raw)) || /tidegate_/.test(ex.text)) p.push("EXPLAIN CANARY " + short(ex.text));
    if (norm(ex.text) !== norm(ey.text)) p.push(`EXPLAIN DIFFERS\n   ${ex.text.slice(0, 500)}\n   ${ey.text.slice(0, 500)}`);
    if (g.unseen !== false && g.must === "blind" && norm(x.text) !== norm(z.text))
      p.push(`EXISTENCE\n   ${short(x.text)}\n   ${short(z.text)}`);
    if (x.rows > 50) p.push("CAP " + x.rows);
    if (p.length) {
      bad++;
      console.log(`[${g.class}] ${short(raw)}\n  ${p.join("\n  ")}`);
    } else if (verbose === "v") console.log(`[${g.class}] ${short(raw)} => ${short(x.text)}`);
    if (verbose === "dead" && g.must === "blind") {
      const [r, s] = [await a.ask(spell(raw, "first"), "root"), await b.ask(spell(raw, "second"), "root")];
      if (!r.answered || norm(r.text) === norm(s.text)) {
        dead++;
        console.log("DEAD", short(raw), "=>", short(r.text));
      }
    }
  }
const after = state();
if (after !== before) {
  const B = new Set(before.split("\n"));
  console.log(
    "STATE",
    after
      .split("\n")
      .filter((l: string) => !B.has(l))
      .slice(0, 10),
  );
}
console.log({ n, refused, bad, dead, ms: (performance.now() - t0) | 0 });
for (const w of worlds) await w.close();
await server.stop();
process.exit(0);
