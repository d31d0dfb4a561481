import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { writeArchive, writeChecksums } from "../../scripts/archive.ts";

const script = join(import.meta.dirname, "..", "..", "install.sh");
const work = mkdtempSync(join(tmpdir(), "tidegate-install-"));
const releases = join(work, "releases");
const platforms = ["linux-x64", "linux-arm64", "linux-x64-musl", "linux-arm64-musl", "darwin-x64", "darwin-arm64"];

/** Tools a bare system has, without a downloader; some tests put a false one before them. */
const tools =
  "sh awk cat chmod cmp cp cut dirname grep head ldd ls mkdir mktemp mv rm sed sha256sum shasum tar gzip uname sysctl curl wget".split(" ");

let server: Server;
let web: string;

interface Result {
  readonly code: number | null;
  readonly output: string;
}

/** One run of the installer with a home folder, a temporary folder and a PATH of its own. */
async function install(options: {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly shell?: readonly string[];
  readonly home: string;
  readonly path?: string;
}): Promise<Result> {
  const [command = "/bin/sh", ...rest] = options.shell ?? [];
  const temporary = join(options.home, "temporary");
  mkdirSync(temporary, { recursive: true });
  const env = {
    HOME: options.home,
    TMPDIR: temporary,
    PATH: options.path ?? process.env.PATH ?? "",
    TIDEGATE_BASE_URL: web,
    ...options.env,
  };
  const child = spawn(command, [...rest, script, ...(options.args ?? [])], { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  assert.deepEqual(readdirSync(temporary), [], "the installer leaves no temporary files");
  return { code, output };
}

/** Archives of every platform in `releases/<version>`; the program inside says its version and platform. */
function release(version: string, program = (platform: string) => `#!/bin/sh\necho "tidegate ${version} ${platform}"\n`): string {
  const folder = join(releases, version);
  mkdirSync(folder, { recursive: true });
  const archives = platforms.map((platform) => {
    const source = join(folder, "tidegate");
    writeFileSync(source, program(platform));
    const archive = join(folder, `tidegate-${version}-${platform}.tar.gz`);
    writeArchive(archive, [source], 0);
    return archive;
  });
  writeChecksums(archives);
  return folder;
}

/** A folder of links to `names`, and of the given false programs, to be used as PATH. */
function pathWith(names: readonly string[], fakes: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(work, "path-"));
  for (const name of names) {
    const found = located(name);
    if (found?.startsWith("/") && !(name in fakes)) symlinkSync(found, join(folder, name));
  }
  for (const [name, text] of Object.entries(fakes)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

function freshHome(name = "home-"): string {
  return mkdtempSync(join(work, name));
}

function run(path: string): string {
  return spawnSync(path, ["--version"], { encoding: "utf8" }).stdout.trim();
}

/** Where a program lies, or nothing when it is not installed. */
function located(name: string): string | undefined {
  return spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim() || undefined;
}

function busyboxTools(): string {
  const folder = mkdtempSync(join(work, "busybox-"));
  spawnSync("busybox", ["--install", "-s", folder]);
  return folder;
}

const systemPath = () => process.env.PATH ?? "";
const shells = [
  { name: "sh", shell: [located("sh")], path: systemPath },
  { name: "dash", shell: [located("dash")], path: systemPath },
  { name: "busybox, with no other tools than its own", shell: [located("busybox"), "sh"], path: busyboxTools },
].map((entry) => ({
  ...entry,
  skip: entry.shell[0] === undefined ? `${entry.name} is not installed` : false,
  shell: entry.shell.filter((part) => part !== undefined),
}));

before(async () => {
  release("1.0.0");
  release("2.0.0-rc.1");
  server = createServer((request, response) => {
    const path = join(releases, decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname));
    if (path.startsWith(releases) && existsSync(path)) response.end(readFileSync(path));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  web = `http://127.0.0.1:${(server.address() as AddressInfo).port}/1.0.0`;
});

after(() => {
  server.close();
  rmSync(work, { recursive: true, force: true });
});

for (const { name, shell, path, skip } of shells) {
  describe(`install.sh under ${name}`, { skip }, () => {
    const here = (home: string, options: Partial<Parameters<typeof install>[0]> = {}) => install({ home, shell, path: path(), ...options });

    it("installs from a web server into ~/.local/bin, and says what it did and how to undo it", async () => {
      const home = freshHome();
      const { code, output } = await here(home);
      const installed = join(home, ".local", "bin", "tidegate");
      assert.equal(code, 0, output);
      assert.match(run(installed), /^tidegate 1\.0\.0 /);
      assert.equal(statSync(installed).mode & 0o777, 0o755);
      assert.deepEqual(readdirSync(join(home, ".local", "bin")), ["tidegate"]);
      for (const part of ["Downloading tidegate-1.0.0-", `Installed tidegate 1.0.0`, installed, "Undo with: rm", "Add it to your PATH"])
        assert.ok(output.includes(part), output);
    });

    it("installs from a folder, into a prefix with spaces", async () => {
      const home = freshHome();
      const prefix = join(home, "my programs", "it's here");
      const args = ["--prefix", prefix];
      const { code, output } = await here(home, { args, env: { TIDEGATE_BASE_URL: `file://${releases}/1.0.0` } });
      assert.equal(code, 0, output);
      assert.match(run(join(prefix, "bin", "tidegate")), /^tidegate 1\.0\.0 /);
      assert.equal(existsSync(join(home, ".local")), false);
    });

    it("changes nothing when run again, and replaces another version", async () => {
      const home = freshHome();
      const installed = join(home, ".local", "bin", "tidegate");
      await here(home);
      const before = statSync(installed);
      const again = await here(home);
      assert.match(again.output, /already installed/);
      assert.equal(statSync(installed).ino, before.ino);
      const newer = await here(home, { env: { TIDEGATE_BASE_URL: `file://${releases}/2.0.0-rc.1` } });
      assert.equal(newer.code, 0, newer.output);
      assert.match(run(installed), /^tidegate 2\.0\.0-rc\.1 /);
    });

    it("refuses an archive that does not match its checksum and keeps what was installed", async () => {
      const home = freshHome();
      await here(home);
      const damaged = join(releases, "damaged");
      cpSync(join(releases, "2.0.0-rc.1"), damaged, { recursive: true });
      for (const file of readdirSync(damaged).filter((file) => file.endsWith(".gz")))
        writeFileSync(join(damaged, file), "x", { flag: "a" });
      const { code, output } = await here(home, { env: { TIDEGATE_BASE_URL: `file://${damaged}` } });
      assert.equal(code, 1);
      assert.match(output, /^Error: The checksum of tidegate-2\.0\.0-rc\.1-.* does not match SHA256SUMS/m);
      assert.match(run(join(home, ".local", "bin", "tidegate")), /^tidegate 1\.0\.0 /);
      assert.deepEqual(readdirSync(join(home, ".local", "bin")), ["tidegate"]);
    });

    it("removes what it installed, and says so when there is nothing to remove", async () => {
      const home = freshHome();
      await here(home);
      const removed = await here(home, { args: ["--uninstall"] });
      assert.match(removed.output, /^Removed /m);
      assert.deepEqual(readdirSync(join(home, ".local", "bin")), []);
      const again = await here(home, { args: ["--uninstall"] });
      assert.equal(again.code, 0);
      assert.match(again.output, /^Nothing to remove/m);
    });
  });
}

describe("install.sh", () => {
  const fails = async (options: Omit<Parameters<typeof install>[0], "home">, message: RegExp) => {
    const home = freshHome();
    const { code, output } = await install({ home, ...options });
    assert.equal(code, 1, output);
    assert.match(output, message);
    assert.deepEqual(readdirSync(home), ["temporary"], "nothing is left half installed");
  };

  it("takes the version it is asked for, and says when there is none", async () => {
    const home = freshHome();
    const both = join(releases, "both");
    for (const version of ["1.0.0", "2.0.0-rc.1"]) cpSync(join(releases, version), both, { recursive: true });
    const sums = ["1.0.0", "2.0.0-rc.1"].map((version) => readFileSync(join(releases, version, "SHA256SUMS"), "utf8"));
    writeFileSync(join(both, "SHA256SUMS"), sums.join(""));
    const env = { TIDEGATE_BASE_URL: `file://${both}` };
    const { code, output } = await install({ home, args: ["--version", "v1.0.0"], env });
    assert.equal(code, 0, output);
    assert.match(run(join(home, ".local", "bin", "tidegate")), /^tidegate 1\.0\.0 /);
    await fails({ args: ["--version=3.0.0"], env }, /^Error: .* has no tidegate 3\.0\.0 for /m);
    await fails({ env }, /^Error: .* has more than one version .*\nTry: install\.sh --version X/m);
  });

  it("tells musl from glibc, and Apple's processors from the Intel ones they can pretend to be", async () => {
    const musl = pathWith(tools, {
      uname: `case $1 in -s) echo Linux;; -m) echo aarch64;; esac`,
      ldd: "echo 'musl libc (aarch64)' >&2; exit 1",
    });
    const mac = pathWith(tools, { uname: `case $1 in -s) echo Darwin;; -m) echo x86_64;; esac`, sysctl: "echo 1" });
    for (const [path, platform] of [
      [musl, "linux-arm64-musl"],
      [mac, "darwin-arm64"],
    ] as const) {
      const home = freshHome();
      const { output } = await install({ home, path });
      assert.match(output, new RegExp(`Installed tidegate 1\\.0\\.0 ${platform} `));
    }
  });

  it("refuses a platform for which there is no binary", async () => {
    const path = pathWith(tools, { uname: `case $1 in -s) echo Linux;; -m) echo riscv64;; esac` });
    await fails({ path }, /^Error: There is no tidegate for linux-riscv64/m);
  });

  it("says which tools it misses", async () => {
    const without = (...missing: string[]) => pathWith(tools.filter((tool) => !missing.includes(tool)));
    await fails({ path: without("curl", "wget") }, /^Error: Downloading needs curl or wget\nTry: /m);
    await fails({ path: without("sha256sum", "shasum") }, /^Error: Checking the download needs sha256sum or shasum\nTry: /m);
  });

  it("says when it may not write, before it downloads", async () => {
    const occupied = join(work, "occupied");
    writeFileSync(occupied, "");
    await fails({ args: ["--prefix", join(occupied, "inside")] }, /^Error: Cannot write to .*occupied\nTry: install\.sh --prefix DIR/m);
  });

  it("does not put a program in place that cannot run", async () => {
    const folder = release("0.0.1", () => "#!/bin/sh\necho 'libstdc++.so.6: No such file' >&2\nexit 127\n");
    const home = freshHome();
    const { code, output } = await install({ home, env: { TIDEGATE_BASE_URL: `file://${folder}` } });
    assert.equal(code, 1);
    assert.match(output, /^Error: tidegate needs the C\+\+ runtime.*\nTry: apk add libstdc\+\+/m);
    assert.deepEqual(readdirSync(join(home, ".local", "bin")), []);
  });

  it("downloads from https, this machine or a folder, and from nowhere else", async () => {
    await fails({ env: { TIDEGATE_BASE_URL: "http://example.com" } }, /^Error: TIDEGATE_BASE_URL must begin with https/m);
    await fails({ env: { TIDEGATE_BASE_URL: "http://127.0.0.1:1@example.com" } }, /^Error: TIDEGATE_BASE_URL must not hold a user name/m);
    await fails({ env: { TIDEGATE_BASE_URL: `${web}/missing` } }, /^Error: Cannot download /m);
  });

  it("explains itself, and refuses options it does not know", async () => {
    assert.match((await install({ home: freshHome(), args: ["--help"] })).output, /^Usage: install\.sh/);
    await fails({ args: ["--perfix", "x"] }, /^Error: Option "--perfix" is unknown/m);
    await fails({ args: ["--prefix"] }, /^Error: --prefix needs a value/m);
    await fails({ env: { HOME: "" } }, /^Error: HOME is not set.*\nTry: install\.sh --prefix DIR/m);
  });

  it("installs through a pipe, but does nothing when only a part of it arrives", () => {
    const whole = readFileSync(script, "utf8").trimEnd();
    const piped = (text: string) => {
      const home = freshHome("piped-");
      spawnSync("/bin/sh", [], { input: text, env: { HOME: home, PATH: systemPath(), TIDEGATE_BASE_URL: `file://${releases}/1.0.0` } });
      return readdirSync(home);
    };
    const parts = Array.from({ length: 40 }, (_, index) => Math.floor((whole.length * index) / 40));
    for (const length of [...parts, whole.length - 5, whole.length - 1])
      assert.deepEqual(piped(whole.slice(0, length)), [], `after ${length} characters`);
    assert.deepEqual(piped(whole), [".local"]);
  });
});
