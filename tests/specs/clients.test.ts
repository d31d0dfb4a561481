import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, beforeEach, describe, it } from "node:test";
import { parse as parseJson } from "jsonc-parser";
import { parse as parseToml } from "smol-toml";
import type { Client, Machine } from "../../core/clients/client.ts";
import { clients } from "../../core/clients/clients.ts";
import { addServer, clientFile, clientState, printedEntry, removeServer } from "../../core/clients/connect.ts";
import { problemOf } from "../support/config-folder.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "tidegate-clients-")));
after(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
});

const entry = { command: "/opt/tidegate", args: ["serve", "--connection", 'shop=/data/a "b"\\c.db'] };
const here: Machine = { platform: "linux", env: {}, home: folder };
const named = (name: string): Client => clients.find((client) => client.name === name) ?? assert.fail(name);
const read = (path: string) => readFileSync(path, "utf8");
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
};
const entryIn = (client: Client, text: string, name = "tidegate") => {
  const whole: any = client.format === "toml" ? parseToml(text, { integersAsBigInt: true }) : parseJson(text);
  // Without the bigints and the missing prototypes of the TOML parser.
  return JSON.parse(JSON.stringify(whole[client.section]?.[name], (_, value) => (typeof value === "bigint" ? Number(value) : value)));
};
const backups = (path: string) => readdirSync(dirname(path)).filter((name) => name.endsWith(".bak"));

describe("the files of clients", () => {
  const at = (machine: Partial<Machine>, home = "/home/ada") =>
    Object.fromEntries(clients.map((client) => [client.name, client.files({ platform: "linux", env: {}, home, ...machine })[0]]));

  it("lie where each system keeps them", () => {
    assert.deepEqual(at({}), {
      "claude-desktop": "/home/ada/.config/Claude/claude_desktop_config.json",
      "claude-code": "/home/ada/.claude.json",
      cursor: "/home/ada/.cursor/mcp.json",
      vscode: "/home/ada/.config/Code/User/mcp.json",
      windsurf: "/home/ada/.codeium/windsurf/mcp_config.json",
      zed: "/home/ada/.config/zed/settings.json",
      codex: "/home/ada/.codex/config.toml",
      gemini: "/home/ada/.gemini/settings.json",
    });
    const mac = at({ platform: "darwin", env: { XDG_CONFIG_HOME: "/x" } }, "/Users/ada");
    assert.equal(mac["claude-desktop"], "/Users/ada/Library/Application Support/Claude/claude_desktop_config.json");
    assert.equal(mac.vscode, "/Users/ada/Library/Application Support/Code/User/mcp.json");
    assert.equal(mac.zed, "/Users/ada/.config/zed/settings.json");
    const windows = at({ platform: "win32", env: { APPDATA: "D:\\Roaming" } }, "C:\\Users\\ada");
    assert.equal(windows["claude-desktop"], "D:\\Roaming\\Claude\\claude_desktop_config.json");
    assert.equal(windows.zed, "D:\\Roaming\\Zed\\settings.json");
    assert.equal(windows.cursor, "C:\\Users\\ada\\.cursor\\mcp.json");
  });

  it("follow the variables that move them", () => {
    const moved = at({ env: { XDG_CONFIG_HOME: "/x", CODEX_HOME: "/c", CLAUDE_CONFIG_DIR: "/d" } });
    assert.deepEqual(
      [moved.vscode, moved.zed, moved.codex, moved["claude-code"]],
      ["/x/Code/User/mcp.json", "/x/zed/settings.json", "/c/config.toml", "/d/.claude.json"],
    );
  });

  it("lie in the project when asked for, where the client reads such a file", async () => {
    assert.equal(clientFile(named("vscode"), here, "/work"), "/work/.vscode/mcp.json");
    assert.throws(() => clientFile(named("windsurf"), here, "/work"), { code: "UNSUPPORTED" });
  });

  it("tell which clients are here, and which of them have us", async () => {
    mkdirSync(join(folder, ".cursor"));
    assert.deepEqual(clientState(named("cursor"), here, "tidegate"), { file: join(folder, ".cursor/mcp.json"), found: true, server: "no" });
    await addServer(named("cursor"), join(folder, ".cursor/mcp.json"), "tidegate", entry);
    assert.equal(clientState(named("cursor"), here, "tidegate").server, "yes");
    assert.equal(clientState(named("zed"), here, "tidegate").found, false);
    assert.equal(clientState(named("claude-code"), here, "tidegate").found, false);
    file(".codex/config.toml", "[broken");
    assert.deepEqual([clientState(named("codex"), here, "tidegate").server], ["broken"]);
  });
});

for (const client of clients) {
  describe(`${client.title}'s file`, () => {
    const path = () => clientFile(client, here);

    it("is made when there is none, and says what --print says", async () => {
      const change = await addServer(client, path(), "tidegate", entry);
      assert.deepEqual(change, { file: path(), changed: true });
      assert.deepEqual(entryIn(client, read(path())), { ...client.extra, ...entry });
      assert.deepEqual(entryIn(client, printedEntry(client, "tidegate", entry)), { ...client.extra, ...entry });
    });

    it("is left alone by the second time, and follows a change of the command", async () => {
      await addServer(client, path(), "tidegate", entry);
      const before = read(path());
      assert.equal((await addServer(client, path(), "tidegate", entry)).changed, false);
      assert.equal(read(path()), before);
      const moved = { ...entry, command: "/usr/bin/tidegate" };
      assert.equal((await addServer(client, path(), "tidegate", moved)).changed, true);
      assert.deepEqual(entryIn(client, read(path())), { ...client.extra, ...moved });
    });

    it("keeps the server of another program under our name", async () => {
      await addServer(client, path(), "tidegate", entry);
      writeFileSync(path(), read(path()).replace("/opt/tidegate", "/opt/other"));
      const before = read(path());
      for (const work of [addServer(client, path(), "tidegate", entry), removeServer(client, path(), "tidegate")])
        assert.equal((await problemOf(work)).code, "CONFLICT");
      assert.equal(read(path()), before);
      await addServer(client, path(), "tidegate-2", entry);
      assert.deepEqual(entryIn(client, read(path()), "tidegate-2"), { ...client.extra, ...entry });
    });

    it("is untouched when it is broken, whatever it holds is not repeated", async () => {
      for (const text of ["{ CANARY", "[CANARY", '"CANARY" = = 1', `{"${client.section}": ["CANARY"]}`]) {
        writeFileSync(file("broken", text), text);
        for (const work of [
          addServer(client, join(folder, "broken"), "tidegate", entry),
          removeServer(client, join(folder, "broken"), "tidegate"),
        ]) {
          const found = await problemOf(work);
          assert.equal(found.code, "CONFIG_INVALID");
          assert.ok(!`${found.message}${found.hint}`.includes("CANARY"));
        }
        assert.equal(read(join(folder, "broken")), text);
      }
      assert.deepEqual(backups(join(folder, "broken")), []);
    });
  });
}

describe("a JSON file with comments", () => {
  const text = `// mine
{
    "theme": "dark", // keep
    "context_servers": {
        /* the other */
        "other": { "command": "x", "args": [], },
    },
    "tail": [1,2,  3],
}
`;
  const zed = named("zed");

  it("keeps every byte but those of the entry, and is itself again without it", async () => {
    const path = file("settings.json", text);
    await addServer(zed, path, "tidegate", entry);
    const lines = read(path).split("\n");
    for (const line of text.split("\n")) assert.ok(lines.includes(line), line);
    assert.match(read(path), /\n {8}"tidegate": \{\n {12}"command"/);
    await removeServer(zed, path, "tidegate");
    assert.equal(read(path), text);
  });

  it("leaves the servers beside ours as they are written, however that is", async () => {
    for (const [servers, layout] of [
      ['{"other":{"command":"x"}}', /^\{"context_servers":\{"other":\{"command":"x"\}, "tidegate": \{"command":/],
      ['{\n  "other": {"command":"x","args":[]} // note\n}', /\{"command":"x","args":\[\]\}, \/\/ note\n {2}"tidegate": \{\n/],
      ['{\n\t"other": {\n\t\t"command": "x" },\n}', /\},\n\t"tidegate": \{\n\t\t"command": ".*",\n\t\t"args": \[\n\t\t\t".*\n\t\},\n\}\}/s],
      ['{\r\n  "other": {} /* note */\r\n}', /\{\}, \/\* note \*\/\r\n {2}"tidegate": \{\r\n {4}"command"/],
    ] as const) {
      const before = `{"context_servers":${servers}}`;
      const path = file("settings.json", before);
      await addServer(zed, path, "tidegate", entry);
      assert.match(read(path), layout);
      assert.deepEqual(entryIn(zed, read(path)), entry);
      await removeServer(zed, path, "tidegate");
      assert.equal(read(path), before);
    }
  });

  it("loses only our entry when that stands first, or alone", async () => {
    const ours = '"tidegate": { "command": "/old/tidegate", "args": ["serve"] }';
    for (const [before, after] of [
      [`{ "context_servers": { ${ours}, "z": {} } }`, '{ "context_servers": { "z": {} } }'],
      [`{\n  "context_servers": {\n    ${ours},\n    // z\n    "z": {},\n  }\n}`, '{\n  "context_servers": {\n    "z": {},\n  }\n}'],
      [`{\n  "context_servers": {\n    ${ours},\n  }\n}`, '{\n  "context_servers": {}\n}'],
      [`{ "context_servers": { /* none */ ${ours} } }`, '{ "context_servers": { /* none */  } }'],
    ] as const) {
      const path = file("settings.json", before);
      await removeServer(zed, path, "tidegate");
      assert.equal(read(path), after);
    }
  });

  it("keeps what was added to our entry by hand", async () => {
    const path = file(
      "settings.json",
      '{"context_servers":{"tidegate":{"command":"/old/tidegate","args":["serve"],"env":{"A":"1"} /* mine */}}}',
    );
    await addServer(zed, path, "tidegate", entry);
    assert.deepEqual(entryIn(zed, read(path)), { ...entry, env: { A: "1" } });
    assert.ok(read(path).includes("/* mine */"));
  });

  it("keeps its line ends, its tabs and its byte order mark", async () => {
    const path = file("settings.json", '\u{feff}{\r\n\t"a": 1\r\n}\r\n');
    await addServer(zed, path, "tidegate", entry);
    assert.ok(read(path).startsWith('\u{feff}{\r\n\t"a": 1,\r\n\t"context_servers": {\r\n\t\t"tidegate"'), read(path));
    assert.ok(!/[^\r]\n/.test(read(path)));
  });

  it("is refused when the entry stands there twice, because either could be the one that counts", async () => {
    const ours = '{"command":"/old/tidegate","args":["serve"]}';
    const twice = `{"context_servers":{"tidegate":${ours},"tidegate":${ours}}}`;
    const path = file("settings.json", twice);
    const found = await problemOf(addServer(zed, path, "tidegate", entry));
    assert.deepEqual([found.code, found.hint], ["UNSUPPORTED", "Edit it by hand: tidegate connect zed --print"]);
    assert.equal(read(path), twice);
  });
});

describe("a TOML file", () => {
  const codex = named("codex");
  const text = `# mine
model = "o9" # keep
big = 9223372036854775807
date = 1979-05-27T07:32:00Z

[mcp_servers."other one"]
command = "x"
args = [
  "[mcp_servers.tidegate]",
]

# about the profile
[profiles.fast]
note = """
[mcp_servers.tidegate]
"""
[[array]]
x = 1
`;

  it("keeps every byte but those of the table, and is itself again without it", async () => {
    const path = file("config.toml", text);
    await addServer(codex, path, "tidegate", entry);
    assert.ok(read(path).startsWith(text));
    assert.deepEqual(entryIn(codex, read(path)), entry);
    await removeServer(codex, path, "tidegate");
    assert.equal(read(path), text);
  });

  it("keeps the line ends of Windows", async () => {
    const windows = text.replaceAll("\n", "\r\n");
    const path = file("config.toml", windows);
    await addServer(codex, path, "tidegate", entry);
    assert.ok(read(path).startsWith(windows) && !/[^\r]\n/.test(read(path)));
    await addServer(codex, path, "tidegate", { ...entry, args: [...entry.args, "--quiet"] });
    assert.deepEqual(entryIn(codex, read(path))?.args, [...entry.args, "--quiet"]);
    await removeServer(codex, path, "tidegate");
    assert.equal(read(path), windows);
  });

  it("changes our table where it stands, with what was added to it by hand", async () => {
    const own = `[ mcp_servers . "tidegate" ] # ours
command = "/old/tidegate"
args = [
  "serve",
]
startup_timeout_sec = 20
[mcp_servers.tidegate.env]
A = "1" # keep

# about the profile
`;
    const path = file("config.toml", text.replace("# about the profile\n", own));
    await addServer(codex, path, "tidegate", entry);
    assert.deepEqual(entryIn(codex, read(path)), { ...entry, startup_timeout_sec: 20, env: { A: "1" } });
    assert.ok(read(path).includes('A = "1" # keep\n\n# about the profile\n[profiles.fast]'));
    await removeServer(codex, path, "tidegate");
    assert.equal(read(path), text);
  });

  it("is refused when our entry is no table of its own", async () => {
    for (const inline of [
      'mcp_servers = { tidegate = { command = "/old/tidegate", args = ["serve"] } }\n',
      'mcp_servers.tidegate.command = "/old/tidegate"\nmcp_servers.tidegate.args = ["serve"]\n',
    ]) {
      const path = file("config.toml", inline);
      for (const work of [addServer(codex, path, "tidegate", entry), removeServer(codex, path, "tidegate")])
        assert.equal((await problemOf(work)).code, "UNSUPPORTED");
      assert.equal(read(path), inline);
    }
  });
});

describe("replacing a client's file", () => {
  const cursor = named("cursor");

  it("keeps what was there under the time, and no copy takes the place of another", async () => {
    const path = file("mcp.json", '{"mine": 1}');
    const now = new Date("2026-11-20T08:09:10.123Z");
    const first = await addServer(cursor, path, "tidegate", entry, now);
    const between = read(path);
    const second = await removeServer(cursor, path, "tidegate", now);
    assert.deepEqual([first.backup, second.backup], [`${path}.2026-11-20T08-09-10.bak`, `${path}.2026-11-20T08-09-10-2.bak`]);
    assert.deepEqual([read(first.backup ?? ""), read(second.backup ?? "")], ['{"mine": 1}', between]);
    assert.equal(backups(path).length, 2);
  });

  it("keeps its mode, and follows a link without replacing it", async () => {
    if (process.platform === "win32") return;
    const real = file("dotfiles/mcp.json", "{}");
    chmodSync(real, 0o600);
    symlinkSync(real, join(folder, "mcp.json"));
    const { backup } = await addServer(cursor, join(folder, "mcp.json"), "tidegate", entry);
    assert.ok(lstatSync(join(folder, "mcp.json")).isSymbolicLink());
    assert.deepEqual(entryIn(cursor, read(real)), entry);
    assert.deepEqual([statSync(real).mode & 0o777, statSync(backup ?? "").mode & 0o777], [0o600, 0o600]);
  });

  it("leaves nothing behind when it cannot be written", async () => {
    const path = join(file("plain", ""), "mcp.json");
    assert.equal((await problemOf(addServer(cursor, path, "tidegate", entry))).code, "INPUT_INVALID");
    assert.deepEqual(readdirSync(folder), ["plain"]);
    assert.equal(existsSync(path), false);
  });
});
