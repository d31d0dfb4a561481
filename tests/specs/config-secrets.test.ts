// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of configuration files.
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { stringify } from "yaml";
import { configCheck, configShow } from "../../cli/config.ts";
import { configInit } from "../../cli/config-init.ts";
import { asProblem } from "../../core/problem.ts";
import { redactTarget } from "../../core/secrets/redact.ts";
import { createSecret } from "../../core/secrets/secret.ts";
import { createConfigFolder } from "../support/config-folder.ts";
import { fakeIo } from "../support/fake-io.ts";

const folder = createConfigFolder();
after(() => folder.remove());

describe("a secret", () => {
  it("prints as [secret] everywhere but inside reveal", () => {
    const secret = createSecret("hunter2");
    assert.equal(secret.reveal(), "hunter2");
    const printed = [
      `${secret}`,
      String(secret),
      JSON.stringify({ secret }),
      inspect(secret),
      inspect({ deep: [secret] }, { showHidden: true }),
      `${secret}`.concat(""),
    ];
    for (const text of printed) assert.match(text, /\[secret\]/);
    assert.ok(!printed.join("").includes("hunter2"));
    assert.deepEqual([Object.keys(secret), { ...secret }], [[], {}]);
  });
});

describe("a target as it may be shown", () => {
  it("has no user, no password and no secret option", () => {
    const shown: Readonly<Record<string, string>> = {
      "postgres://u:p@h/d": "postgres://[secret]@h/d",
      "postgres://u:p@ss/w:or@d@h:5432/d": "postgres://[secret]@h:5432/d",
      "https://token@h": "https://[secret]@h",
      "u:p@tcp(h)/d": "[secret]@tcp(h)/d",
      "libsql://h?tls=1&authToken=t": "libsql://h?tls=1&authToken=[secret]",
      "Server=h;User=u;Password=a;b": "Server=h;User=u;Password=[secret]",
      "host=h password = 'a b'": "host=h password =[secret]",
      "libsql://h?authToken=a@b": "libsql://[secret]",
      "h:1 password=a@b": "[secret]",
      "postgres://u:a?pwd=b@h": "postgres://[secret]",
      "postgres://u:p@h?password=q": "postgres://[secret]@h?password=[secret]",
      "sqlite:./a@b.db?mode=ro": "[secret]@b.db?mode=ro",
    };
    for (const [target, expected] of Object.entries(shown)) assert.equal(redactTarget(target), expected);
  });

  it("is untouched when it holds nothing to hide", () => {
    for (const target of ["./a@b.db", "sqlite:a.db?mode=ro", ":memory:", "C:\\data\\a.db", "postgres://h:5432/d?sslmode=require"]) {
      assert.equal(redactTarget(target), target);
    }
  });
});

/** Any text a password may be, marked so that a piece of it is recognised. */
const canary = fc.string({ unit: "grapheme-ascii", maxLength: 12 }).map((text) => `CANARY${text.replaceAll("${", "")}CANARY`);

/** Every place of a connection where a secret may stand, as YAML and environment. */
const placed = fc
  .record({
    secret: canary,
    place: fc.constantFrom(
      "password",
      "user",
      "query",
      "pairs",
      "option",
      "variable",
      "part",
      "optionVariable",
      "key",
      "keyVariable",
      "command",
      "optionCommand",
      "defaulted",
    ),
  })
  .map(({ secret, place }) => {
    const encoded = encodeURIComponent(secret);
    const written: Readonly<Record<string, object>> = {
      password: { target: `postgres://u:${secret}@h/d` },
      user: { target: `https://${secret}@h` },
      query: { target: `libsql://h?a=1&authToken=${encoded}` },
      pairs: { target: `host=h password=${secret}` },
      option: { target: "x", options: { apiKey: secret } },
      variable: { target: "${CANARY_HOLDER}" },
      part: { target: "postgres://u:${CANARY_HOLDER}@h/d" },
      key: { target: "postgres://u@h/d", password: secret },
      keyVariable: { target: "postgres://u@h/d", password: "${CANARY_HOLDER}" },
      command: { target: "postgres://u@h/d", password: `cmd:printf '${secret.replaceAll("'", "")}'` },
      optionCommand: { target: "x", options: { token: `cmd:printf '${secret.replaceAll("'", "")}'` } },
      defaulted: { target: "postgres://u@h/d", password: `\${CANARY_NOWHERE:-${secret.replaceAll("}", "")}}` },
      optionVariable: { target: "x", options: { plain: "${CANARY_HOLDER}" } },
    };
    return { secret, connection: written[place] ?? {}, env: { CANARY_HOLDER: secret } };
  });

type Spoil = (connection: Record<string, unknown>) => unknown;

/** Ways to be wrong around and in such a connection; the first is right. */
const spoiled: readonly [Spoil, ...Spoil[]] = [
  (connection) => connection,
  (connection) => ({ ...connection, timeout: "soon" }),
  (connection) => ({ ...connection, wirte: true }),
  (connection) => ({ ...connection, url: connection.target }),
  (connection) => ({ ...connection, target: [connection.target] }),
  (connection) => ({ ...connection, write: connection.target }),
  (connection) => ({ ...connection, password: [connection.password] }),
  (connection) => ({ ...connection, password: `cmd:'${connection.password}` }),
  (connection) => ({ [String(connection.target)]: true }),
  (connection) => [connection],
  (connection) => ({ ...connection, options: { ...(connection.options as object), password: [connection.target] } }),
];

type Tear = (text: string) => string;

/** Ways to break the text itself; the first leaves it whole. */
const torn: readonly [Tear, ...Tear[]] = [
  (text) => text,
  (text) => `${text}  - [`,
  (text) => text.replaceAll('"', ""),
  (text) => text.replace(":", ": : "),
  (text) => `${text}${text}`,
  (text) => `{} ${text}`,
  (text) => `--- {}\n...\n${text}`,
  (text) => text.replace("target: ", "target: {} "),
];

describe("no secret leaves", () => {
  it("through show, check or any error, wherever in a connection it stands", async () => {
    const mostlyRight = <Change>([right, ...wrong]: readonly [Change, ...Change[]]) =>
      fc.oneof({ weight: 2, arbitrary: fc.constant(right) }, { weight: 1, arbitrary: fc.constantFrom(...wrong) });
    const input = fc.tuple(placed, mostlyRight(spoiled), mostlyRight(torn));
    await fc.assert(
      fc.asyncProperty(input, async ([{ secret, connection, env }, spoil, tear]) => {
        folder.write("project/named.yaml", tear(stringify({ connections: { sales: spoil({ ...connection }) } }, { lineWidth: 0 })));
        const { io, printed } = fakeIo({ cwd: folder.project, env: { HOME: folder.home, ...env } });
        const context = { io, bundled: {} };
        for (const run of [
          () => configShow({ format: "yaml", origins: true, color: true, config: "named.yaml" }, context),
          () => configShow({ format: "json", color: true, config: "named.yaml" }, context),
          () => configCheck("named.yaml", { color: true }, context),
        ]) {
          const failed = await run().then(() => undefined, asProblem);
          assert.notEqual(failed?.code, "INTERNAL", String((failed?.cause as Error | undefined)?.stack));
          const all = `${printed()}${failed?.message}${failed?.hint}`.replaceAll("CANARY_HOLDER", "");
          assert.ok(!all.includes("CANARY"), all);
          assert.ok(!all.includes(secret), all);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("through what init says", async () => {
    const { io, printed } = fakeIo({ cwd: folder.project, env: { HOME: folder.home } });
    await configInit("init.yaml", { connection: ["a=postgres://u:CANARY@h/d"] }, io);
    for (const connection of [["=CANARY"], ["CANARY@x"], ["a=postgres://CANARY", "a=CANARY"]]) {
      const { message, hint } = await configInit("init.yaml", { connection, force: true }, io).then(
        () => assert.fail("accepted"),
        asProblem,
      );
      assert.ok(!`${printed()}${message}${hint}`.includes("CANARY"));
    }
  });
});
