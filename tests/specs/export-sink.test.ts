import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, open, writeFile as put, readdir, readFile, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { pour, stagedFile, writeFile } from "../../core/export/sink.ts";
import { problem } from "../../core/problem.ts";

const signal = new AbortController().signal;
const root = process.getuid?.() === 0;
const mountable = canMount();

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield new TextEncoder().encode(text);
}

function sha256(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

describe("a written file", () => {
  let base = "";
  let folder = "";
  before(async () => {
    base = await mkdtemp(join(tmpdir(), "tidegate-sink-"));
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(base, "case-"));
  });
  after(() => rm(base, { recursive: true }));
  const inFolder = () => readdir(folder);

  it("holds the chunks, and its size and SHA-256 are reported", async () => {
    const path = join(folder, "out.csv");
    const seen: number[] = [];
    assert.deepEqual(await writeFile({ path, chunks: chunks("a\n", "b\n"), signal, onBytes: (bytes) => seen.push(bytes) }), {
      bytes: 4,
      sha256: sha256("a\nb\n"),
    });
    assert.equal(await readFile(path, "utf8"), "a\nb\n");
    assert.deepEqual(seen, [4]);
    assert.deepEqual(await inFolder(), ["out.csv"]);
  });

  it("may be empty, and may be large", async () => {
    assert.equal((await writeFile({ path: join(folder, "none"), chunks: chunks(), signal })).bytes, 0);
    const large = Array.from({ length: 3_000 }, (_, index) => `${index}`.repeat(300));
    const path = join(folder, "large");
    const { bytes } = await writeFile({ path, chunks: chunks(...large), signal });
    assert.equal(await readFile(path, "utf8"), large.join(""));
    assert.equal((await stat(path)).size, bytes);
  });

  for (const [compress, decompress] of [
    ["gz", gunzipSync],
    ["zst", zstdDecompressSync],
  ] as const) {
    it(`compresses as ${compress}, and its hash is that of the compressed bytes`, async () => {
      const path = join(folder, `out.csv.${compress}`);
      const text = "tide,gate\n".repeat(100_000);
      const { bytes, sha256: hash } = await writeFile({ path, chunks: chunks(text, "end"), compress, signal });
      const file = await readFile(path);
      assert.equal(decompress(file).toString(), `${text}end`);
      assert.equal(file.length, bytes);
      assert.equal(hash, sha256(file));
      assert.ok(bytes < text.length / 10);
    });

    it(`passes on what fails while compressing as ${compress}, and leaves nothing`, async () => {
      const failure = new Error("the source failed");
      const failing = async function* () {
        yield new Uint8Array(100_000);
        throw failure;
      };
      await assert.rejects(writeFile({ path: join(folder, "x"), chunks: failing(), compress, signal }), failure);
      assert.deepEqual(await inFolder(), []);
    });
  }

  it("is not replaced unless asked, and the source is not even started", async () => {
    const path = join(folder, "out.csv");
    await put(path, "before");
    let started = false;
    const source = async function* () {
      started = true;
      yield new Uint8Array(1);
    };
    await assert.rejects(writeFile({ path, chunks: source(), signal }), {
      code: "CONFLICT",
      message: `File "${path}" already exists`,
      hint: /option overwrite/,
    });
    assert.equal(started, false);
    assert.equal(await readFile(path, "utf8"), "before");
  });

  it("is not replaced when it appears while the rows still flow", async () => {
    const path = join(folder, "out.csv");
    const racing = async function* () {
      await put(path, "the other was first");
      yield new Uint8Array(1);
    };
    await assert.rejects(writeFile({ path, chunks: racing(), signal }), { code: "CONFLICT" });
    assert.equal(await readFile(path, "utf8"), "the other was first");
    assert.deepEqual(await inFolder(), ["out.csv"]);
  });

  it("replaces when asked, keeps the permissions, and writes through a link", async () => {
    const path = join(folder, "out.csv");
    await put(path, "before");
    await chmod(path, 0o600);
    const link = join(folder, "link.csv");
    await symlink(path, link);
    await writeFile({ path: link, overwrite: true, chunks: chunks("after"), signal });
    assert.equal(await readFile(path, "utf8"), "after");
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.deepEqual((await inFolder()).sort(), ["link.csv", "out.csv"]);
  });

  it("stays as it was when the source fails or the caller leaves", async () => {
    const path = join(folder, "out.csv");
    await put(path, "before");
    const caller = new AbortController();
    const leaving = async function* () {
      yield new Uint8Array(300_000);
      caller.abort(new Error("left"));
      yield new Uint8Array(300_000);
    };
    await assert.rejects(writeFile({ path, overwrite: true, chunks: leaving(), signal: caller.signal }), /left/);
    const failing = async function* () {
      yield new Uint8Array(300_000);
      throw new Error("broken");
    };
    await assert.rejects(writeFile({ path, overwrite: true, chunks: failing(), signal }), /broken/);
    assert.equal(await readFile(path, "utf8"), "before");
    assert.deepEqual(await inFolder(), ["out.csv"]);
  });

  it("lets its source go when it cannot go on", async () => {
    let released = false;
    const caller = new AbortController();
    const source = async function* () {
      try {
        for (;;) {
          yield new Uint8Array(300_000);
          caller.abort(new Error("left"));
        }
      } finally {
        released = true;
      }
    };
    await assert.rejects(writeFile({ path: join(folder, "x"), chunks: source(), compress: "gz", signal: caller.signal }), /left/);
    assert.ok(released);
  });

  it("names the folder that is missing, the folder in its place, and the file in the way", async () => {
    const missing = join(folder, "no", "such", "out.csv");
    await assert.rejects(writeFile({ path: missing, chunks: chunks(), signal }), {
      code: "NOT_FOUND",
      message: `Folder "${dirname(missing)}" does not exist`,
      hint: `Create it: mkdir -p "${dirname(missing)}"`,
    });
    await mkdir(join(folder, "sub"));
    await assert.rejects(writeFile({ path: join(folder, "sub"), overwrite: true, chunks: chunks(), signal }), {
      code: "INPUT_INVALID",
      message: /is a folder$/,
    });
    await put(join(folder, "file"), "");
    await assert.rejects(writeFile({ path: join(folder, "file", "out.csv"), chunks: chunks(), signal }), { code: "INPUT_INVALID" });
    await assert.rejects(writeFile({ path: join(folder, "x".repeat(300)), chunks: chunks(), signal }), {
      code: "INPUT_INVALID",
      message: /too long$/,
    });
  });

  it("never replaces a device", { skip: process.platform === "win32" && "Windows has no /dev" }, async () => {
    await assert.rejects(writeFile({ path: "/dev/null", overwrite: true, chunks: chunks(), signal }), {
      code: "INPUT_INVALID",
      message: '"/dev/null" is not a regular file',
    });
  });

  it("needs a folder it may write to", {
    skip: (root || process.platform === "win32") && "root may write anywhere, and Windows has other rights",
  }, async () => {
    await chmod(folder, 0o500);
    await assert.rejects(writeFile({ path: join(folder, "x"), chunks: chunks("a"), signal }), { code: "FORBIDDEN" });
    await chmod(folder, 0o700);
  });

  it("says so when the disk is full", { skip: process.platform !== "linux" && "only Linux has /dev/full" }, async () => {
    await using full = await open("/dev/full", "w");
    await assert.rejects(pour(chunks("a"), full, { path: "out.csv", signal }), {
      code: "LIMIT_EXCEEDED",
      message: 'Cannot write "out.csv": no space is left',
      hint: /Free disk space/,
    });
  });

  it("leaves nothing on a full disk", { skip: !mountable && "needs Linux and the right to mount a small file system" }, async () => {
    const disk = await mkdtemp(join(base, "disk-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]);
    const large = async function* () {
      for (let n = 0; n < 64; n++) yield new Uint8Array(300_000).fill(n);
    };
    try {
      await assert.rejects(writeFile({ path: join(disk, "out.bin"), chunks: large(), signal }), { code: "LIMIT_EXCEEDED" });
      assert.deepEqual(await readdir(disk), []);
    } finally {
      execFileSync("umount", [disk]);
    }
  });

  it("may be written by an engine, with the same promises", async () => {
    const path = join(folder, "out.parquet");
    let given = "";
    const written = await stagedFile({
      path,
      signal,
      write: async (temp) => {
        given = temp;
        await put(temp, "PAR1");
      },
    });
    assert.deepEqual(written, { bytes: 4, sha256: sha256("PAR1") });
    assert.equal(dirname(given), folder);
    await assert.rejects(stagedFile({ path, signal, write: () => assert.fail("must not start") }), { code: "CONFLICT" });
    const broken = stagedFile({
      path,
      overwrite: true,
      signal,
      write: async (temp) => {
        await put(temp, "half");
        throw new Error("engine broke");
      },
    });
    await assert.rejects(broken, /engine broke/);
    assert.equal(await readFile(path, "utf8"), "PAR1");
    assert.deepEqual(await inFolder(), ["out.parquet"]);
  });

  it("tells an engine's problem of the file that was asked for", async () => {
    const path = join(folder, "out.parquet");
    const write = async (temp: string) => {
      throw problem("LIMIT_EXCEEDED", `Cannot write "${temp}": no space is left`, "Free disk space");
    };
    await assert.rejects(stagedFile({ path, signal, write }), {
      code: "LIMIT_EXCEEDED",
      message: `Cannot write "${path}": no space is left`,
      hint: "Free disk space",
    });
  });

  it("appears together with its note, or neither does", async () => {
    const path = join(folder, "out.csv");
    const note = { path: `${path}.note`, text: ({ bytes }: { bytes: number }) => `${bytes} bytes` };
    const racing = async function* () {
      await put(note.path, "the other was first");
      yield new Uint8Array(1);
    };
    await assert.rejects(writeFile({ path, note, chunks: racing(), signal }), { code: "CONFLICT" });
    assert.deepEqual(await inFolder(), ["out.csv.note"]);
    const unstarted = () => assert.fail("must not start");
    await assert.rejects(stagedFile({ path, note, write: unstarted, signal }), { code: "CONFLICT" });
    await assert.rejects(stagedFile({ path, note: { ...note, path: join(folder, "x".repeat(300)) }, write: unstarted, signal }), {
      code: "INPUT_INVALID",
      message: /too long$/,
    });
    await writeFile({ path, note, overwrite: true, chunks: chunks("four"), signal });
    assert.equal(await readFile(note.path, "utf8"), "4 bytes");
    const failing = { ...note, text: () => assert.fail("no text") };
    await assert.rejects(writeFile({ path, note: failing, overwrite: true, chunks: chunks("x"), signal }), /no text/);
    assert.equal(await readFile(path, "utf8"), "four");
    assert.deepEqual((await inFolder()).sort(), ["out.csv", "out.csv.note"]);
  });
});

/** Whether this process may mount: in a name space of its own, so that nothing stays. */
function canMount(): boolean {
  return process.platform === "linux" && root && spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;
}
