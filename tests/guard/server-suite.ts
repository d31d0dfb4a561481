import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { collect, type GuardedEngine, openWorld, policy, type Told, type Variant, type World } from "./harness.ts";
import { type Attacks, portableAttacks } from "./portable-attacks.ts";
import { canary } from "./shop.ts";

/** Some of its texts are valid on the servers. */
const notHere = /^breaks the parser$/;

/** What the suite needs of an engine that is a server. */
export interface ServerUnderGuard {
  readonly engine: GuardedEngine;
  readonly rules: string;
  readonly attacks: readonly Attacks[];
  readonly legitimate: readonly string[];
  /** Spells a statement for a variant's database. */
  readonly spell: (sql: string, variant: Variant) => string;
  /** Groups of attacks that are not held there yet. */
  readonly unheld?: RegExp;
  /** True where the answers must be the same also when nothing of what is denied is there at all. */
  readonly unseen?: true;
  /** What the server holds beyond a session. */
  readonly state: () => string;
}

const short = (text: string): string => text.slice(0, 160).replaceAll("\n", "\\n");
/** Equal masks tie, and MariaDB leaves to chance which comes first; it cuts long names, in which the databases' names differ. */
const unlike = /^select (id, lag\(id\) over \(order by email\)|case when \(select max\(email\) from person\))/;
/** The variants' databases differ in name. */
const nameless = (text: string): string => text.replace(/\b(shop|hr)_(first|second|gone)\b/g, "$1");
/** Without `order by` an engine gives rows as it finds them. */
const anyOrder = ({ text, values }: Told): string =>
  values === ""
    ? nameless(text)
    : nameless(text.slice(0, -values.length)) + JSON.stringify((JSON.parse(values) as unknown[]).map((row) => JSON.stringify(row)).sort());

/** Runs the attacks and an analyst's queries through the whole stack, as the server's most powerful user. */
export function describeServerGuard({ engine, rules, attacks, legitimate, spell, unheld, unseen, state }: ServerUnderGuard): void {
  describe(`the guard of ${engine.name}, for a caller whose own credentials may do everything`, () => {
    let first: World;
    let second: World;
    let gone: World | undefined;
    let held = "";
    before(async () => {
      first = await openWorld(engine, policy(rules), "first");
      second = await openWorld(engine, policy(rules), "second");
      if (unseen) gone = await openWorld(engine, policy(rules), "gone");
      held = state();
    });
    after(() => Promise.all([first, second, gone].map((world) => world?.close())));

    const failure = async ({ must, unseen: isSecret = true }: Attacks, raw: string): Promise<string | undefined> => {
      const sql = spell(raw, "first");
      const [one, other] = [await first.ask(sql), await second.ask(spell(raw, "second"))];
      const failed = (what: string): string => `${what}: ${short(sql)} gave ${short(one.text)} | ${short(other.text)}`;
      if (must === "refused" && one.answered) return failed("answered");
      if (one.code === "INTERNAL") return failed("broke");
      if (!canary.test(raw) && canary.test(one.answered ? one.values : one.text.replaceAll(sql, ""))) return failed("shown");
      if (one.rows > 50) return failed("uncapped");
      if (anyOrder(one) !== anyOrder(other)) return failed("told");
      const none = isSecret && must === "blind" ? await gone?.ask(spell(raw, "gone")) : undefined;
      return none === undefined || anyOrder(one) === anyOrder(none)
        ? undefined
        : `seen: ${short(sql)} gave ${short(one.text)} | ${short(none.text)}`;
    };
    for (const { title } of portableAttacks.filter((group) => unheld?.test(group.title)))
      it.skip(`tells nothing when a statement ${title} (not held there yet)`, () => undefined);
    for (const group of [...portableAttacks.filter(({ title }) => !notHere.test(title) && !unheld?.test(title)), ...attacks])
      it(`tells nothing and changes nothing when a statement ${group.title} (class ${group.class}, ${group.sql.length} statements)`, async () => {
        assert.deepEqual(
          await collect(
            group.sql.filter((sql) => !unlike.test(sql)),
            (sql) => failure(group, sql),
          ),
          [],
        );
      });
    it(`gives an analyst the same rows through a filter that keeps them all (${legitimate.length} queries)`, async () => {
      const differs = async (raw: string): Promise<string | undefined> => {
        const sql = spell(raw, "first");
        const [kept, all] = [await first.ask(sql, "keeper"), await first.ask(sql, "root")];
        if (!all.answered || !kept.answered) return `refused: ${short(sql)}: ${short((all.answered ? kept : all).text)}`;
        return kept.text === all.text ? undefined : `${short(sql)} gave ${short(kept.text)}, not ${short(all.text)}`;
      };
      // Plans are withheld wherever rows are filtered.
      const read = legitimate.filter((raw) => !/^(explain|desc|analyze)\b/.test(raw));
      assert.deepEqual(await collect(read, differs), []);
    });
    it("leaves the server as it was", () => assert.equal(state(), held));
  });
}
