import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { binary as built, ensureBinary } from "../../scripts/build.ts";
import { root } from "../../scripts/targets.ts";

const work = mkdtempSync(join(tmpdir(), "tidegate-build-"));
const binary = join(work, "tidegate");
const home = join(work, "home");
const query = ["query", "duckdb::memory:", "select 40 + 2 as answer", "--format", "csv"];
const nobody = 65534;
const asRoot = process.getuid?.() === 0;

interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Options {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly uid?: number;
  readonly command?: readonly string[];
}

/** Runs the moved binary with nothing in its environment but what is given, or else a home folder of its own. */
async function run(args: readonly string[], { env = {}, cwd = work, uid, command = [] }: Options): Promise<Result> {
  const [program = binary, ...rest] = [...command, binary, ...args];
  const child = spawn(program, rest, {
    env: { HOME: home, ...env },
    cwd,
    ...(uid !== undefined && { uid, gid: uid }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, err] = ["", ""];
  child.stdout.on("data", (data) => (out += data));
  child.stderr.on("data", (data) => (err += data));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, out, err };
}

async function answers(options: Options): Promise<void> {
  const { code, out, err } = await run(query, options);
  assert.doesNotMatch(err, /^Error/m);
  assert.deepEqual(out.trim().split(/\r?\n/), ["answer", "42"]);
  assert.equal(code, 0);
}

function freshFolder(mode = 0o755): string {
  const folder = mkdtempSync(join(work, "folder-"));
  chmodSync(folder, mode);
  return folder;
}

/** The one folder into which a cache was unpacked. */
function unpacked(cache: string): string {
  const natives = join(cache, "native");
  const [name, ...others] = readdirSync(natives);
  assert.deepEqual(others, []);
  return join(natives, name ?? "");
}

/** A cache with DuckDB unpacked by a first run. */
async function filledCache(): Promise<{ readonly cache: string; readonly env: Record<string, string>; readonly library: string }> {
  const cache = freshFolder();
  const env = { TIDEGATE_CACHE_DIR: cache };
  await answers({ env });
  const folder = unpacked(cache);
  const library = readdirSync(folder).find((name) => /\.(so|dylib|dll)$/.test(name)) ?? "";
  return { cache, env, library: join(folder, library) };
}

before(async () => {
  await ensureBinary();
  chmodSync(work, 0o755);
  copyFileSync(built, binary);
  chmodSync(binary, 0o755);
});

// Every unpacked DuckDB takes 70 MB.
afterEach(() => {
  for (const name of readdirSync(work).filter((name) => name.startsWith("folder-")))
    rmSync(join(work, name), { recursive: true, force: true });
});

after(() => rmSync(work, { recursive: true, force: true }));

describe("the binary, moved away from its checkout", () => {
  it("says its version without unpacking anything", async () => {
    const cache = freshFolder();
    const { code, out } = await run(["--version"], { env: { TIDEGATE_CACHE_DIR: cache } });
    assert.match(out, /^tidegate \d+\.\d+\.\d+(\+[0-9a-f]+)?\n$/);
    assert.equal(code, 0);
    assert.deepEqual(readdirSync(cache), []);
  });

  it("runs DuckDB from a folder it may not write, without HOME, as another user", async () => {
    const temporary = freshFolder();
    chmodSync(temporary, 0o1777);
    const cwd = freshFolder(0o555);
    const account: Options = asRoot
      ? { uid: nobody, env: { HOME: undefined, TMPDIR: temporary } }
      : { env: { HOME: undefined, XDG_CACHE_HOME: temporary, XDG_STATE_HOME: temporary } };
    await answers({ cwd, ...account });
    assert.equal(readdirSync(temporary).length, 1);
  });

  const isolated = spawnSync("unshare", ["-rn", "true"]).status === 0;
  it("runs DuckDB without any network", { skip: isolated ? false : "needs unshare(1) and user namespaces" }, async () => {
    await answers({ command: ["unshare", "-rn"], env: { TIDEGATE_CACHE_DIR: freshFolder() } });
  });

  it("takes neither variables nor code from the folder it is started in", async () => {
    const cwd = freshFolder();
    writeFileSync(join(cwd, ".env"), `TIDEGATE_CACHE_DIR=${join(cwd, "from-dotenv")}\n`);
    writeFileSync(join(cwd, "bunfig.toml"), 'preload = ["./preload.ts"]\n');
    writeFileSync(join(cwd, "preload.ts"), 'await Bun.write("preloaded", ""); console.log("preloaded");\n');
    writeFileSync(join(cwd, "tsconfig.json"), "not even JSON");
    await answers({ cwd, env: { XDG_CACHE_HOME: freshFolder() } });
    assert.deepEqual(readdirSync(cwd).sort(), [".env", "bunfig.toml", "preload.ts", "tsconfig.json"]);
  });

  it("names no folder of the machine it was built on", () => {
    const content = readFileSync(binary);
    for (const folder of ["node_modules", "cli", "core", ".cache"]) assert.equal(content.includes(join(root, folder)), false, folder);
  });
});

describe("the embedded DuckDB", () => {
  it("is unpacked once, for its owner alone", async () => {
    const { cache, env } = await filledCache();
    const folder = unpacked(cache);
    const facts = () => readdirSync(folder).map((name) => [name, statSync(join(folder, name)).ino, statSync(join(folder, name)).mtimeMs]);
    const before = facts();
    assert.equal(before.length, 3);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    await answers({ env });
    assert.deepEqual(facts(), before);
  });

  it("is unpacked safely by many processes at once", async () => {
    const cache = freshFolder();
    await Promise.all(Array.from({ length: 4 }, () => answers({ env: { TIDEGATE_CACHE_DIR: cache } })));
    assert.equal(readdirSync(unpacked(cache)).length, 3);
  });

  it("is repaired when a file was changed, cut or removed", async () => {
    const { env, library } = await filledCache();
    const size = statSync(library).size;
    const damages = [
      () => truncateSync(library, 1000),
      () => rmSync(library),
      () => writeFileSync(library, Buffer.alloc(size, 1)),
      () => writeFileSync(join(library, "..", "duckdb.node"), "not a library"),
      () => {
        rmSync(library);
        symlinkSync("/dev/null", library);
      },
    ];
    for (const damage of damages) {
      damage();
      await answers({ env });
      assert.equal(statSync(library).size, size);
    }
  });

  it("is believed again, not unpacked again, when only its time changed", async () => {
    const { env, library } = await filledCache();
    const { ino } = statSync(library);
    utimesSync(library, 1, 1);
    await answers({ env });
    assert.equal(statSync(library).ino, ino);
  });

  it("clears away what a killed process left behind an hour ago", async () => {
    const { env, library } = await filledCache();
    const [old, recent] = [`${library}.old.tmp`, `${library}.recent.tmp`];
    for (const path of [old, recent]) writeFileSync(path, "");
    utimesSync(old, 1, 1);
    rmSync(library);
    await answers({ env });
    assert.deepEqual([existsSync(old), existsSync(recent)], [false, true]);
  });

  it("goes to the next folder when the first could be changed by others", async () => {
    const [shared, temporary] = [freshFolder(), freshFolder()];
    mkdirSync(join(shared, "native"));
    chmodSync(join(shared, "native"), 0o777);
    await answers({ env: { TIDEGATE_CACHE_DIR: shared, XDG_CACHE_HOME: temporary } });
    assert.deepEqual(readdirSync(join(shared, "native")), []);
    assert.deepEqual(readdirSync(temporary), ["tidegate"]);
  });

  it("goes to the next folder when the first belongs to someone else", {
    skip: asRoot ? false : "only root can give a folder away",
  }, async () => {
    const [foreign, temporary] = [freshFolder(), freshFolder()];
    mkdirSync(join(foreign, "native"));
    spawnSync("chown", [String(nobody), join(foreign, "native")]);
    await answers({ env: { TIDEGATE_CACHE_DIR: foreign, XDG_CACHE_HOME: temporary } });
    assert.deepEqual(readdirSync(join(foreign, "native")), []);
  });

  describe("on a disk that cannot hold or run it", () => {
    const mounts = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "tmpfs", work]).status === 0;
    const skip = mounts ? false : "needs unshare(1) and mount namespaces";
    /** Starts the binary where `folder` is a small disk of its own, mounted with `options`. */
    const mounted = (options: string, folder: string) => [
      "unshare",
      "-rm",
      "sh",
      "-c",
      `mount -t tmpfs -o ${options} tmpfs "$0" && exec "$@"`,
      folder,
    ];
    const path = { PATH: process.env.PATH ?? "" };

    for (const [name, options] of [
      ["noexec", "noexec"],
      ["full", "size=1m"],
      ["read-only", "ro"],
    ] as const) {
      it(`goes to the next folder when the first is ${name}`, { skip }, async () => {
        const folder = freshFolder();
        await answers({ command: mounted(options, folder), env: { ...path, TIDEGATE_CACHE_DIR: folder, XDG_CACHE_HOME: freshFolder() } });
      });
    }

    it("says what to do when no folder will do", { skip }, async () => {
      const folder = freshFolder();
      const env = { ...path, TIDEGATE_CACHE_DIR: join(folder, "a"), XDG_CACHE_HOME: join(folder, "b"), TMPDIR: folder };
      const { code, out, err } = await run(query, { command: mounted("size=1m", folder), env });
      assert.equal(out, "");
      assert.match(err, /^Error: .*Cannot unpack DuckDB: .*\nTry: Set TIDEGATE_CACHE_DIR to /);
      assert.equal(code, 6);
    });
  });
});
