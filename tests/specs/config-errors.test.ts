// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of configuration files.
import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { after, describe, it } from "node:test";
import { createConfigFolder, type LoadOptions, problemOf } from "../support/config-folder.ts";

const folder = createConfigFolder();
after(() => folder.remove());

const refusal = async (content: string | Uint8Array, options: LoadOptions = {}) => {
  const found = await problemOf(folder.loadText(content, options));
  assert.equal(found.code, "CONFIG_INVALID");
  return found;
};

/** What is wrong, the text, the message after "Cannot load tidegate.yaml at ", and the hint. */
const correct = "Correct the file, then run: tidegate config check";
const cases: readonly (readonly [string, string, string, string])[] = [
  [
    "a misspelt key",
    "connections:\n  a:\n    target: x\n    timout: 5m\n",
    "connections.a.timout (line 4): this key is unknown",
    'Did you mean "timeout"?',
  ],
  ["a misspelt section", "limit: {}\n", "limit (line 1): this key is unknown", 'Did you mean "limits"?'],
  ["a key in the wrong place", "timeout: 5s\n", "timeout (line 1): this key is unknown", 'Did you mean "limits.timeout"?'],
  ["a key like no other", "log: { colour: true }\n", "log.colour (line 1): this key is unknown", "Use one of: level, format"],
  ["an object's own key", "__proto__: { a: 1 }\n", "__proto__ (line 1): this key is unknown", correct],
  [
    "a duration without sense",
    "limits:\n  timeout: soon\n",
    'limits.timeout (line 2): current value "soon", wanted a duration such as "500ms", "30s", "5m" or "1h" (at most 576h), or a number of milliseconds',
    correct,
  ],
  [
    "a duration no timer can hold",
    "limits: { timeout: 577h }\n",
    'limits.timeout (line 1): current value "577h", wanted a duration such as "500ms", "30s", "5m" or "1h" (at most 576h), or a number of milliseconds',
    correct,
  ],
  [
    "a size without sense",
    "limits: { inlineBytes: 0 }\n",
    'limits.inlineBytes (line 1): current value 0, wanted a size such as "24KB" or "4MB", or a number of bytes',
    correct,
  ],
  [
    "a fraction of a row",
    "limits: { maxRows: 1.5 }\n",
    "limits.maxRows (line 1): current value 1.5, wanted a whole number from 1",
    correct,
  ],
  [
    "a count beyond exact numbers",
    "limits: { maxRows: 9007199254740993 }\n",
    "limits.maxRows (line 1): current value 9007199254740992, wanted a whole number from 1",
    correct,
  ],
  [
    "a count that is nothing",
    "limits:\n  maxRows:\n",
    "limits.maxRows (line 2): current value nothing, wanted a whole number from 1",
    correct,
  ],
  [
    "a choice not on offer",
    "log: { level: loud }\n",
    'log.level (line 1): current value "loud", wanted one of "error", "warn", "info", "debug"',
    correct,
  ],
  ["a number where a path belongs", "export: { folder: 7 }\n", "export.folder (line 1): current value 7, wanted a folder's path", correct],
  ["a text where a map belongs", "limits: high\n", 'limits (line 1): current value "high", wanted a map', correct],
  ["a list of connections", "connections:\n  - a\n", "connections (line 1): current value a list, wanted a map", correct],
  ["a list instead of a configuration", "- a\n", "line 1: current value a list, wanted a map", correct],
  ["another kind of file", "h:5432:db:u:pw\n", "line 1: current value a text, wanted a map", correct],
  [
    "a connection without a target",
    "connections:\n  a: { write: true }\n",
    "connections.a.target (line 2): current value nothing, wanted a file such as ./shop.db, or a URL",
    correct,
  ],
  [
    "a connection that is a number",
    "connections: { a: 5 }\n",
    "connections.a (line 1): current value 5, wanted a file such as ./shop.db, or a URL",
    correct,
  ],
  [
    "a blank target",
    "connections: { a: ' ' }\n",
    'connections.a (line 1): current value " ", wanted a file such as ./shop.db, or a URL',
    correct,
  ],
  [
    "two targets",
    "connections:\n  a:\n    target: x\n    url: y\n",
    'connections.a.url (line 4): current value "y", wanted only one of target and url',
    correct,
  ],
  [
    "yes instead of true",
    "connections:\n  a: { target: x, write: yes }\n",
    'connections.a.write (line 2): current value "yes", wanted true or false',
    correct,
  ],
  [
    "an option with parts",
    "connections:\n  a: { target: x, options: { k: [1] } }\n",
    "connections.a.options.k (line 2): current value a list, wanted text, a number, true or false",
    correct,
  ],
  [
    "a name that cannot be typed",
    "connections: { 1a: x }\n",
    'connections.1a (line 1): this name cannot be used, wanted a letter, then letters, digits, "_" or "-"',
    correct,
  ],
  ["a key written twice", "log:\n  level: warn\n  level: info\n", "line 3, column 3: this key is written twice", correct],
  [
    "an open list",
    "connections: [\n",
    "line 2, column 1: the text is not YAML (flow sequence in block collection must be sufficiently indented and end with a ])",
    correct,
  ],
  ["a tab", "log:\n\tlevel: warn\n", "line 2, column 1: the text is not YAML (tabs are not allowed as indentation)", correct],
  ["an alias to nothing", "connections: *none\n", "connections (line 1): this alias names nothing", correct],
  ["a tag", "log: { level: !!binary d2Fybg== }\n", "line 1, column 15: tags are not supported", correct],
  ["two documents", "--- {}\n--- {}\n", "line 2, column 1: the file holds several documents, wanted one", correct],
  ["a key that is a map", "? { a: 1 }\n: 2\n", "line 1, column 3: a key must be text", correct],
  ["a circle", "connections: &c\n  a: *c\n", "connections.a.a.a.a.a.a.a (line 2): this is nested too deeply", correct],
];

describe("a configuration file", () => {
  for (const [what, text, message, hint] of cases) {
    it(`is refused for ${what}`, async () => {
      const found = await refusal(text);
      assert.equal(found.message.split("\n")[0], `Cannot load tidegate.yaml at ${message}`);
      assert.equal(found.hint, hint);
    });
  }

  it("names all its faults at once, in the order of their lines", async () => {
    const { message, hint } = await refusal("limits:\n  timeout: soon\n  maxrows: 1\nlog: { level: loud }\nconnections:\n  a: ${NONE}\n");
    assert.deepEqual(
      message.split("\n").map((line) => line.split(":")[0]),
      [
        "Cannot load tidegate.yaml at limits.timeout (line 2)",
        "  also at limits.maxrows (line 3)",
        "  also at log.level (line 4)",
        "  also at connections.a (line 6)",
      ],
    );
    assert.match(message, /maxrows \(line 3\): this key is unknown \(Did you mean "maxRows"/);
    assert.equal(hint, correct);
  });

  it("names no more faults than can be read", async () => {
    const { message } = await refusal(Array.from({ length: 50 }, (_, index) => `key${index}: 1\n`).join(""));
    assert.deepEqual([message.split("\n").length, message.split("\n").at(-1)], [22, "  and at 29 more places"]);
  });

  it("is refused when it is nested or aliased beyond reason", async () => {
    assert.match((await refusal("[".repeat(100_000))).message, /: this is nested too deeply$/);
    const laughs = Array.from(
      { length: 9 },
      (_, level) =>
        `k${level}: &a${level} { ${"abcdefghij"
          .split("")
          .map((key) => `${key}: ${level === 0 ? 1 : `*a${level - 1}`}`)
          .join(", ")} }\n`,
    );
    assert.match((await refusal(laughs.join(""))).message, /the file uses more than 100 aliases/);
  });

  it("names the line, the path and the variable when a variable is not set, and a near one by its name only", async () => {
    const unset = await refusal("connections:\n  sales:\n    url: postgres://u:${SALES_PASWORD}@h/d\n", {
      env: { SALES_PASSWORD: "hunter2" },
    });
    assert.equal(
      unset.message,
      'Cannot load tidegate.yaml at connections.sales.url (line 3): the environment variable "SALES_PASWORD" is not set',
    );
    assert.equal(unset.hint, 'Did you mean "SALES_PASSWORD"?');
    assert.equal((await refusal("log: { level: '${QQQQ}' }\n")).hint, "Set QQQQ, or write ${QQQQ:-default}");
  });

  it("is refused for a variable without a name", async () => {
    for (const text of ["${}", "${a b}", "${A-b}", "${A", "x${:-y}"]) {
      const found = await refusal(`log: { level: '${text}' }\n`, { env: { A: "warn" } });
      assert.match(found.message, /at log\.level \(line 1\): it holds "\$\{" without the name of a variable and "\}"$/);
      assert.equal(found.hint, 'Write ${NAME}, or $${ for a plain "${"');
    }
  });

  it("is refused when it is missing, a folder, too big, not UTF-8 or unreadable", async (test) => {
    const named = (configPath: string) => problemOf(folder.load({ configPath }));
    assert.equal((await named("none.yaml")).message, "Cannot load none.yaml: there is no such file");
    assert.equal((await named(".")).message, `Cannot load ${folder.project}: it is a folder, wanted a file`);
    assert.equal((await named("/dev/zero")).message, "Cannot load /dev/zero: it is bigger than 1 MB");
    assert.equal((await refusal(`#${" ".repeat(1024 * 1024)}`)).message, "Cannot load tidegate.yaml: it is bigger than 1 MB");
    assert.equal((await refusal(Uint8Array.of(0x23, 0xff, 0xfe))).message, "Cannot load tidegate.yaml: it is not UTF-8 text");
    if (process.getuid?.() === 0) return test.diagnostic("root may read everything, so an unreadable file was not tried");
    chmodSync(folder.write("project/tidegate.yaml", ""), 0);
    assert.equal((await problemOf(folder.load())).message, "Cannot load tidegate.yaml: it may not be read");
  });

  it("is refused without a word of what could not be read", async () => {
    for (const text of [
      "%CANARY x\n---\n",
      "a: |CANARY\n x",
      "a: *CANARY",
      "a: !CANARY x",
      "{} CANARY",
      "]CANARY",
      '"\\qCANARY"',
      "a: 'CANARY",
    ]) {
      const { message, hint } = await refusal(text);
      assert.ok(!`${message}${hint}`.includes("CANARY"), message);
    }
  });
});

describe("a value outside files", () => {
  it("is refused by the name of its variable", async () => {
    folder.write("project/tidegate.yaml", "");
    const found = await problemOf(folder.load({ env: { TIDEGATE_LOG_LEVEL: "loud" } }));
    assert.deepEqual(
      [found.code, found.message, found.hint],
      [
        "CONFIG_INVALID",
        'Cannot use TIDEGATE_LOG_LEVEL: current value "loud", wanted one of "error", "warn", "info", "debug"',
        "Correct or unset TIDEGATE_LOG_LEVEL",
      ],
    );
  });

  it("is refused as an input when it was typed", async () => {
    const timeout = await problemOf(folder.load({ flags: { limits: { timeout: "5 parsecs" } } }));
    assert.deepEqual(
      [timeout.code, timeout.message.slice(0, 67)],
      ["INPUT_INVALID", 'Cannot use the option for limits.timeout: current value "5 parsecs"'],
    );
    const name = await problemOf(folder.load({ flags: { connections: { "a b": "x" } } }));
    assert.deepEqual(
      [name.code, name.message],
      ["INPUT_INVALID", 'Cannot name a connection "a b": wanted a letter, then letters, digits, "_" or "-"'],
    );
  });
});
