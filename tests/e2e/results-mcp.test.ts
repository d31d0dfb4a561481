import assert from "node:assert/strict";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { binary, privateEnvironment, tempFolder } from "../support/binary.ts";
import { shopDatabase } from "../support/shop.ts";

const folder = tempFolder();
const shop = shopDatabase(folder, 50_000);

function textOf(content: unknown): string {
  const [first] = content as readonly { readonly text?: string }[];
  return first?.text ?? "";
}

/** What an assistant does with a question whose answer is too large to read. */
describe("an assistant's session over results", () => {
  const client = new Client({ name: "assistant", version: "1" });
  const call = async (name: string, input: Record<string, unknown>): Promise<string[]> => {
    const { content, isError } = await client.callTool({ name, arguments: input });
    const text = textOf(content);
    return [
      ...text
        .replace(/; trace \w+$/, "")
        .replace(/ in \d+ ms$/, "")
        .split("\n"),
      ...(isError ? ["isError"] : []),
    ];
  };
  before(async () => {
    const env = privateEnvironment(folder);
    await client.connect(
      new StdioClientTransport({ command: binary, args: ["serve", "--connection", `shop=${shop}`], env, cwd: folder, stderr: "pipe" }),
    );
  });
  after(() => client.close());

  it("asks, gets the first rows and a name for all of them", async () => {
    const lines = await call("query", { sql: "select * from orders" });
    assert.match(
      lines.at(-1) ?? "",
      /^-- 100 of 50000 rows; kept as r1: query cursor r1:100 reads on, analyze "select … from r1", export from r1$/,
    );
  });

  it("looks at what it has, joins it with something else, and reads on", async () => {
    const [head, row] = await call("analyze", { sql: "select count(*) as orders, count(distinct id) as ids from r1" });
    assert.deepEqual([head, row], ["orders,ids", "50000,50000"]);
    const joined = await call("analyze", {
      sql: "select count(*) as n from r1 join o on o.id = r1.id",
      from: { o: { sql: "select id from orders where id <= 10" } },
    });
    assert.equal(joined[1], "10");
    assert.match(
      (await call("query", { cursor: "r1:100", max_rows: 5 })).at(-1) ?? "",
      /^-- rows 101 to 105 of 50000 of r1; cursor r1:105$/,
    );
  });

  it("writes it to a file without asking the database again", async () => {
    const [path = ""] = await call("export", { from: "r1", to: "orders.parquet" });
    assert.ok(existsSync(path), path);
  });

  it("finds it among the resources, whole or by ranges of rows", async () => {
    const { resources } = await client.listResources();
    assert.ok(
      resources.some(({ uri, description }) => uri === "result://r1" && /^50000 rows of \d+ columns from shop$/.test(description ?? "")),
    );
    const { resourceTemplates } = await client.listResourceTemplates();
    assert.equal(resourceTemplates[0]?.uriTemplate, "result://{name}.{format}{?rows}");
    const read = async (uri: string) =>
      (await client.readResource({ uri })).contents[0] as { mimeType: string; text?: string; blob?: string };
    const csv = await read("result://r1.csv?rows=101-103");
    assert.deepEqual([csv.mimeType, csv.text?.trimEnd().split("\n").length], ["text/csv", 4]);
    assert.equal(JSON.parse((await read("result://r1.json?rows=1-2")).text ?? "").rows.length, 2);
    assert.equal(Buffer.from((await read("result://r1.parquet?rows=1-10")).blob ?? "", "base64").toString("latin1", 0, 4), "PAR1");
    await assert.rejects(client.readResource({ uri: "result://r77" }), /No result is named "r77"/);
    await assert.rejects(client.readResource({ uri: "result://r1.exe" }), /Use one of csv, json, parquet/);
    await assert.rejects(client.readResource({ uri: "file:///etc/passwd" }), /no address of a result/);
  });

  it("cannot leave its results", async () => {
    for (const sql of ["select * from read_csv('/etc/passwd')", "attach '/tmp/a' as a", "select * from orders", "set threads = 1"]) {
      assert.equal((await call("analyze", { sql })).at(-1), "isError", sql);
    }
  });

  it("keeps what it has for the next process, in files of this account alone", async () => {
    const results = join(folder, "state", "results");
    const modes = readdirSync(results).map((name) => statSync(join(results, name)).mode & 0o077);
    assert.deepEqual([...new Set([...modes, statSync(results).mode & 0o077])], [0]);
    const other = new Client({ name: "another", version: "1" });
    await other.connect(
      new StdioClientTransport({
        command: binary,
        args: ["serve", "--connection", `shop=${shop}`],
        env: privateEnvironment(folder),
        cwd: folder,
        stderr: "pipe",
      }),
    );
    const { content } = await other.callTool({ name: "analyze", arguments: { sql: "select count(*) as n from r1" } });
    assert.match(textOf(content), /^n\n50000\n/);
    await other.close();
  });
});
