import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { resolveTarget } from "../../core/connection/target.ts";
import type { Driver } from "../../core/contract/driver.ts";
import { problem, toPublic } from "../../core/problem.ts";
import { memoryDriver } from "../support/memory-driver.ts";

const { driver: server } = memoryDriver({});
const files: Driver = {
  ...server,
  name: "files",
  schemes: ["files"],
  claims: ({ kind, extension }) => kind !== "missing" && extension === "dat",
};
const drivers = [server, files];

function at(folder: string, text: string) {
  return resolveTarget(text, drivers, { folder });
}

describe("target", () => {
  it("reads a server URL and keeps the password out of everything shown", () => {
    const { target, display } = at("/", "memory://ann:s3cr%40t@db.example:5432/shop?sslmode=require");
    assert.equal(target.user, "ann");
    assert.equal(target.password?.reveal(), "s3cr@t");
    assert.equal(target.location, "db.example:5432/shop");
    assert.deepEqual(target.options, { sslmode: "require" });
    assert.equal(display, "memory://[secret]@db.example:5432/shop");
    assert.doesNotMatch(JSON.stringify(target), /s3cr/);
  });

  it("keeps a colon that belongs to the password", () => {
    assert.equal(at("/", "memory://ann:a:b@h/d").target.password?.reveal(), "a:b");
  });

  it("keeps an @ that belongs to the password", () => {
    const { target } = at("/", "memory://ann:a@b@h/d@e");
    assert.deepEqual([target.password?.reveal(), target.location], ["a@b", "h/d@e"]);
  });

  it("says what is wrong with a % that begins no escape, and repeats nothing of it", () => {
    for (const target of ["memory://app:100%@db/sales", "memory://a%zzp:x@db/sales"])
      assert.throws(
        () => at("/", target),
        ({ code, message, hint, cause }) =>
          code === "INPUT_INVALID" && hint === 'Write "%25" for a plain "%"' && cause === undefined && !/100|zzp/.test(message),
      );
  });

  it("reads a file URL in every spelling people use", () => {
    assert.equal(at("/data", "files:shop.dat").target.location, "/data/shop.dat");
    assert.equal(at("/data", "files:///abs/shop.dat").target.location, "/abs/shop.dat");
    assert.equal(at("/data", "files:/abs/shop.dat").target.location, "/abs/shop.dat");
    assert.equal(at("/data", "files::memory:").target.location, ":memory:");
    assert.deepEqual(at("/data", "files:shop.dat?create=true").target.options, { create: "true" });
  });

  it("refuses what names nothing", () => {
    for (const text of ["", "files:", "files://", "files:?create=true"])
      assert.throws(() => at("/data", text), { code: "INPUT_INVALID" }, text);
  });

  it("finds the driver that claims a path", () => {
    const folder = mkdtempSync(join(tmpdir(), "tidegate-"));
    writeFileSync(join(folder, "a.dat"), "x");
    assert.equal(at(folder, "a.dat").driver.name, "files");
    assert.equal(at(folder, "./*.dat").driver.name, "files");
  });

  it("suggests near names for a missing file and an unknown scheme", () => {
    const folder = mkdtempSync(join(tmpdir(), "tidegate-"));
    writeFileSync(join(folder, "orders.dat"), "x");
    assert.throws(() => at(folder, "order.dat"), { code: "NOT_FOUND", hint: /orders\.dat/ });
    assert.throws(() => at(folder, "memry://host/db"), { code: "INPUT_INVALID", hint: 'Did you mean "memory"?' });
  });

  it("names the engines when nobody reads the file", () => {
    const folder = mkdtempSync(join(tmpdir(), "tidegate-"));
    writeFileSync(join(folder, "a.bin"), "x");
    assert.throws(() => at(folder, "a.bin"), { code: "INPUT_INVALID", hint: /known: memory, files/ });
  });

  it("takes no user or password where a path is meant", () => {
    assert.throws(
      () => at("/data", "files://ann:s3cret@host/shop.dat"),
      (error: Error) => !JSON.stringify([error.message, error]).includes("s3cret"),
    );
  });

  it("shows no password, whatever the URL looks like", () => {
    for (const rest of [
      "u:p4ss@h/d",
      ":p4ss@h/d",
      "u:p4ss@[::1]:5/d?password=p4ss",
      "u:a:p4ss@h",
      "u:p4ss@p4ss@h/d",
      "u:p4ss/p4ss?x=p4ss@h/d",
    ]) {
      assert.doesNotMatch(at("/", `memory://${rest}`).display, /p4ss/, rest);
    }
  });

  it("takes a ? in a password for what it is, before a driver quotes the rest of it", () => {
    for (const rest of ["u:p4?ss@h/d", "u:p4?x=ss@h/d", "u:12?34@h/d", "u:p4/p?ss@h/d"]) {
      const says = ({ code, message }: { code: string; message: string }) => code === "INPUT_INVALID" && !/p4|ss|34/.test(message);
      assert.throws(() => at("/", `memory://${rest}`), says, rest);
    }
    assert.deepEqual(at("/", "memory://h/d?user=a@b").target.options, { user: "a@b" });
  });
});

describe("a problem", () => {
  it("stays short, whatever it quotes", () => {
    const reported = problem("SQL_INVALID", `Column "${"x".repeat(5_000_000)}" does not exist`, "y".repeat(5_000_000));
    assert.ok(JSON.stringify(toPublic(reported)).length < 9000);
  });
});
