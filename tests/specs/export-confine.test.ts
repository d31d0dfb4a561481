import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { confined } from "../../core/export/confine.ts";

describe("a confined path", { skip: process.platform === "win32" && "links need rights on Windows" }, () => {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "tidegate-confine-")));
  const folder = join(base, "exports");
  const outside = join(base, "outside");
  mkdirSync(join(folder, "sub"), { recursive: true });
  mkdirSync(outside);
  writeFileSync(join(folder, "there.csv"), "");
  symlinkSync(outside, join(folder, "way-out"));
  symlinkSync(join(outside, "new.csv"), join(folder, "dangling.csv"));
  symlinkSync(join(folder, "loop"), join(folder, "loop"));
  symlinkSync(join(folder, "sub"), join(folder, "way-in"));
  symlinkSync(folder, join(base, "alias"));
  execFileSync("mkfifo", [join(folder, "pipe")]);
  after(() => rmSync(base, { recursive: true }));

  const allowed: readonly (readonly [string, string, string])[] = [
    ["a plain name", "new.csv", "new.csv"],
    ["a file that is there", "there.csv", "there.csv"],
    ["a folder below, there or not", "sub/deep/new.csv", "sub/deep/new.csv"],
    ["a name of dots that is no way up", "...csv", "...csv"],
    ["an absolute path inside", join(folder, "new.csv"), "new.csv"],
    ["a link that stays inside", "way-in/new.csv", "sub/new.csv"],
    ["a name with odd characters", "é 日本 (1).csv", "é 日本 (1).csv"],
  ];
  for (const [what, name, expected] of allowed) it(`allows ${what}`, () => assert.equal(confined(folder, name), join(folder, expected)));

  const refused: readonly (readonly [string, string])[] = [
    ["a way up", "../new.csv"],
    ["a way up that comes back", "../exports/new.csv"],
    ["a way up inside", "sub/../new.csv"],
    ["a way up in Windows' writing", "sub\\..\\..\\new.csv"],
    ["an absolute path outside", join(outside, "new.csv")],
    ["a sibling with the same beginning", `${folder}-2/new.csv`],
    ["the folder itself", folder],
    ["a link that leads outside", "way-out/new.csv"],
    ["a link to nothing", "dangling.csv"],
    ["a link to itself", "loop"],
    ["a pipe", "pipe"],
    ["a folder", "sub"],
    ["a device", "/dev/null"],
  ];
  for (const [what, name] of refused) it(`refuses ${what}`, () => assert.throws(() => confined(folder, name), { code: "FORBIDDEN" }));

  for (const name of ["", "a\0.csv", "a\n.csv", "sub/"]) {
    it(`takes ${JSON.stringify(name)} for no name`, () => assert.throws(() => confined(folder, name), { code: "INPUT_INVALID" }));
  }

  it("says what is wrong with a path the system refuses", () => {
    assert.throws(() => confined(folder, "there.csv/b.csv"), {
      code: "INPUT_INVALID",
      message: 'Cannot write "there.csv/b.csv": a part of the path is a file',
    });
    assert.throws(() => confined(folder, "x".repeat(300)), { code: "INPUT_INVALID", message: /the name is too long$/ });
  });

  it("says what to do instead", () => {
    assert.throws(() => confined(folder, "../x.csv"), {
      message: '"../x.csv" leads outside the export folder',
      hint: `Use a name inside "${folder}", for example "result.csv"`,
    });
  });

  it("works through a folder that is a link, or not there yet", () => {
    assert.equal(confined(join(base, "alias"), "new.csv"), join(folder, "new.csv"));
    assert.equal(confined(join(base, "later"), "new.csv"), join(base, "later", "new.csv"));
  });
});
