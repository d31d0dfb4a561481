import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { after, describe, it } from "node:test";
import activate from "../../plugins/sqlite/plugin.ts";
import { tempFolder } from "../support/binary.ts";
import { shopDatabase } from "../support/shop.ts";
import { writeApp, writer } from "../support/write-app.ts";

const [driver = assert.fail("the plugin has a driver")] = (await activate({ contract: 1, log: () => undefined })).drivers ?? [];
const open: { close(): Promise<void> }[] = [];
after(async () => {
  for (const one of open) await one.close();
});

async function shop(policy = writer()) {
  const app = await writeApp(driver, shopDatabase(tempFolder(), 50), policy);
  open.push(app);
  return { ...app, orders: () => app.query("select count(*) as n, sum(amount) as amount from orders") };
}

const cut = "delete from orders where id <= 3";

describe("a person's consent to a write", () => {
  it("is asked for where somebody can be asked, with the statement and how many rows it changes", async () => {
    const { ask, orders } = await shop();
    const before = await orders();
    assert.deepEqual(await ask(cut, {}, {}), { question: `Run this on shop? delete, 3 rows of orders\n\n${cut}`, rows: 3 });
    assert.deepEqual(await ask("update orders set amount = ? where id = ?", { params: ["1.5", 4] }, {}), {
      question: 'Run this on shop? update, 1 row of orders\n\nupdate orders set amount = ? where id = ?\n\nParameters: ["1.5",4]',
      rows: 1,
    });
    assert.equal(await orders(), before);
  });

  it("is nothing but a yes", async () => {
    const { ask, orders } = await shop();
    const before = await orders();
    await assert.rejects(ask(cut, {}, { answer: { said: "no", rows: 3 } }), { code: "FORBIDDEN", message: /nothing was changed/ });
    await assert.rejects(ask(cut, {}, { answer: { said: "nothing", rows: 3 } }), { code: "CANCELLED", message: /nothing was changed/ });
    assert.equal(await orders(), before);
    assert.match(String(await ask(cut, {}, { answer: { said: "yes", rows: 3 } })), /^-- done: delete, 3 rows of orders/);
  });

  it("is good for as many rows as they were told of", async () => {
    const { ask, orders } = await shop();
    const before = await orders();
    await assert.rejects(ask(cut, {}, { answer: { said: "yes", rows: 2 } }), { code: "CONFLICT", message: /more rows than the 2/ });
    assert.equal(await orders(), before);
    assert.match(String(await ask(cut, {}, { answer: { said: "yes", rows: 5 } })), /3 rows/);
  });

  it("is no argument of the tool", async () => {
    const { ask, orders } = await shop();
    const before = await orders();
    for (const name of ["confirm", "confirmed", "agreed", "answer", "person", "yes"])
      await assert.rejects(ask(cut, { [name]: true }, {}), { code: "INPUT_INVALID" });
    assert.equal(await orders(), before);
  });

  it("is wanted as the strictest role says", async () => {
    const required = await shop(`${writer("    confirm: never\n    inherits: [careful]\n")}  careful: { confirm: required }\n`);
    await assert.rejects(required.ask(cut), { code: "POLICY_DENIED", message: /A person has to agree/ });
    assert.equal(typeof (await required.ask(cut, {}, {})), "object");
    const never = await shop(writer("    confirm: never\n"));
    assert.match(String(await never.ask(cut, {}, {})), /3 rows/);
    const possible = await shop(writer("    confirm: possible\n"));
    assert.match(String(await possible.ask(cut)), /3 rows/);
    await assert.rejects(shop(writer("    confirm: perhaps\n")), { code: "CONFIG_INVALID", hint: "Use one of: required, possible, never" });
  });

  it("is not asked for a dry run, nor for what would fail or is refused", async () => {
    const { ask } = await shop(writer("    confirm: required\n"));
    assert.match(String(await ask(cut, { dry_run: true }, {})), /nothing was changed: delete, 3 rows/);
    assert.match(String(await ask(cut, { dry_run: true })), /nothing was changed/);
    await assert.rejects(ask("insert into customers values (1, 'again', null)", {}, {}), { code: "CONSTRAINT_VIOLATED" });
    await assert.rejects(ask("delete from orders", {}, {}), { code: "POLICY_DENIED" });
    await assert.rejects(ask("select 1", {}, {}), { code: "INPUT_INVALID" });
  });

  it("is asked for without a number where rows are not counted", async () => {
    const { ask } = await shop(writer("", "[{ connection: shop, access: schema }]"));
    assert.deepEqual(await ask("drop view big_orders", {}, {}), { question: "Run this on shop? drop big_orders\n\ndrop view big_orders" });
  });

  it("is asked for in words that nothing in the statement can hide or reorder", async () => {
    const { ask } = await shop();
    const asked = async (sql: string) => ((await ask(sql, {}, {})) as { question: string }).question;
    const sly = await asked(`delete from orders where id = 1 /* \u202e\u001b[2K\u0007 */`);
    assert.ok(sly.endsWith(String.raw`/* \u202e\u001b[2K\u0007 */`));
    const long = await asked(`delete from orders where id = 1 /* ${"x".repeat(9000)} */ or id = 2`);
    assert.match(long, /\[… \d+ characters are not shown here …\]/);
    assert.ok(long.endsWith("or id = 2") && long.includes("delete from orders where id = 1"));
    assert.match(long, /2 rows of orders/);
  });
});

type Message = { readonly id?: unknown; readonly method?: string; readonly result?: any; readonly error?: any; readonly params?: any };

/** A client that speaks the later era by hand, one request after the other. */
async function client(policy?: string) {
  const app = await shop(policy);
  const [input, output] = [new PassThrough(), new PassThrough()];
  const served = app.serve(input, output);
  open.unshift({ close: () => served.close() });
  const waiting = new Map<unknown, (message: Message) => void>();
  let rest = "";
  output.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const message of lines.map((line) => JSON.parse(line) as Message)) waiting.get(message.id)?.(message);
  });
  let last = 0;
  const send = (params: object, capabilities: object = { elicitation: {} }): Promise<Message> => {
    const id = ++last;
    const _meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": capabilities };
    input.write(`${JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { ...params, _meta } })}\n`);
    return new Promise((resolve) => waiting.set(id, resolve));
  };
  const call = (sql: string, more: object = {}, capabilities?: object) =>
    send({ name: "execute", arguments: { sql }, ...more }, capabilities).then(({ result, error }) => result ?? error);
  return { ...app, call, send };
}

const yes = { agreed: { action: "accept", content: {} } };

describe("the question of a 2026 client", () => {
  it("comes as a request for input, and its answer runs the statement once", async () => {
    const { call, orders } = await client();
    const before = await orders();
    const asked = await call(cut);
    assert.equal(asked.resultType, "input_required");
    assert.match(asked.inputRequests.agreed.params.message, /^Run this on shop\? delete, 3 rows of orders/);
    assert.equal(await orders(), before);
    const answered = { requestState: asked.requestState, inputResponses: yes };
    assert.match((await call(cut, answered)).content[0].text, /^-- done: delete, 3 rows/);
    const again = await call(cut, answered);
    assert.equal(again.isError, true);
    assert.match(again.content[0].text, /^CONFLICT: The answer is to another question, came too late, or was given before/);
  });

  it("is answered for one statement, its parameters and one tool only", async () => {
    const { call, send, orders } = await client();
    const before = await orders();
    const { requestState } = await call(cut);
    const answered = { requestState, inputResponses: yes };
    for (const params of [
      { name: "execute", arguments: { sql: "delete from orders where id <= 30" } },
      { name: "execute", arguments: { sql: `${cut} ` } },
      { name: "execute", arguments: { sql: cut, params: [1] } },
      { name: "query", arguments: { sql: cut } },
    ]) {
      const { result } = await send({ ...params, ...answered });
      assert.match(result.content[0].text, /^CONFLICT/, JSON.stringify(params));
    }
    assert.equal(await orders(), before);
    assert.match((await call(cut, answered)).content[0].text, /3 rows/, "an answer to something else does not use it up");
  });

  it("is asked again when an answer comes without it, and not when it was tampered with", async () => {
    const { call, orders } = await client();
    const before = await orders();
    const { requestState } = await call(cut);
    assert.equal((await call(cut, { inputResponses: yes })).resultType, "input_required");
    const [version, body = "", mac] = requestState.split(".");
    const told = JSON.parse(Buffer.from(body, "base64url").toString());
    const forged = Buffer.from(JSON.stringify({ ...told, p: { ...told.p, rows: 50 } })).toString("base64url");
    for (const state of [`${version}.${forged}.${mac}`, "v1.e30.e30", "x", ""]) {
      const answer = await call(cut, { requestState: state, inputResponses: yes });
      assert.match(answer.content[0].text, /^CONFLICT/, state);
    }
    for (const inputResponses of [undefined, {}, { agreed: true }, { agreed: { action: "maybe" } }, { other: yes.agreed }]) {
      const answer = await call(cut, { requestState, inputResponses });
      assert.ok(answer.content === undefined || answer.isError === true, JSON.stringify([inputResponses, answer]));
    }
    assert.equal(await orders(), before);
  });

  it("is no longer answered after ten minutes", async () => {
    const { call, orders } = await client();
    const before = await orders();
    const { requestState } = await call(cut);
    const { now } = Date;
    Date.now = () => now() + 601_000;
    try {
      assert.match((await call(cut, { requestState, inputResponses: yes })).content[0].text, /^CONFLICT/);
    } finally {
      Date.now = now;
    }
    assert.equal(await orders(), before);
  });

  it("tells a no and a dismissal apart, and changes nothing", async () => {
    const { call, orders } = await client();
    const before = await orders();
    for (const [action, code] of [
      ["decline", "FORBIDDEN"],
      ["cancel", "CANCELLED"],
    ]) {
      const { requestState } = await call(cut);
      const said = await call(cut, { requestState, inputResponses: { agreed: { action } } });
      assert.match(said.content[0].text, new RegExp(`^${code}: .*nothing was changed`));
      assert.match((await call(cut, { requestState, inputResponses: yes })).content[0].text, /^CONFLICT/, "a no is not taken back");
    }
    assert.equal(await orders(), before);
  });

  it("is not asked of a client that cannot show it: there the role decides", async () => {
    const careful = await client(writer("    confirm: required\n"));
    for (const capabilities of [{}, { elicitation: { url: {} } }])
      assert.match((await careful.call(cut, {}, capabilities)).content[0].text, /^POLICY_DENIED: A person has to agree/);
    const easy = await client();
    assert.match((await easy.call(cut, {}, {})).content[0].text, /^-- done: delete, 3 rows/);
    assert.equal((await easy.call(cut, {}, { elicitation: { form: {} } })).resultType, "input_required");
  });
});
