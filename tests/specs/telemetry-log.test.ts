import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createSecret } from "../../core/secrets/secret.ts";
import { createLog, type LogOptions } from "../../core/telemetry/log.ts";

function open(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  return { lines, log: createLog({ level: "info", format: "text", colour: false, write: (line) => lines.push(line), ...options }) };
}

describe("the log", () => {
  it("writes one line per entry, however many lines the text has", () => {
    const { log, lines } = open();
    log.info("two\nlines", { reason: "a\r\nb", plain: "c" });
    assert.match(lines.join(""), /^\d\d:\d\d:\d\d\.\d{3} info {2}two\\u000alines reason="a\\r\\nb" plain=c\n$/);
  });

  it("cannot steer a terminal", () => {
    const { log, lines } = open();
    log.warn("\u001b[2J", { name: "\u009b31m", "odd\u001b[0m key": 1 });
    assert.ok(!/[\u001b\u009b]/.test(lines.join("")));
  });

  it("leaves out what is less important than its level", () => {
    const { log, lines } = open({ level: "warn" });
    log.debug("no");
    log.info("no");
    log.warn("yes");
    log.error("yes");
    assert.equal(lines.length, 2);
    const off = open({ level: "off" });
    off.log.error("no");
    assert.deepEqual(off.lines, []);
  });

  it("prints JSON that parses, with its fields", () => {
    const { log, lines } = open({ format: "json" });
    log.with({ trace: "0af7" }).warn("Slow", { rows: 12n, ok: true, none: null, list: [1, 2n] });
    const { time, ...rest } = JSON.parse(lines[0] ?? "");
    assert.ok(!Number.isNaN(Date.parse(time)));
    assert.deepEqual(rest, { level: "warn", message: "Slow", trace: "0af7", rows: "12", ok: true, none: null, list: [1, "2"] });
  });

  it("never opens a secret, at any depth and in any format", () => {
    const secret = createSecret("hunter2");
    const lookalike = { reveal: () => "hunter2", value: "hunter2" };
    for (const format of ["text", "json"] as const) {
      const { log, lines } = open({ format });
      log.error("Refused", { password: secret, target: { user: "ann", inner: [secret, lookalike] } });
      assert.ok(!lines.join("").includes("hunter2"));
      assert.equal(lines.join("").match(/\[secret\]/g)?.length, 3);
    }
  });

  it("says what an error says, its cause too, and where it happened only at debug", () => {
    const error = new Error("outer", { cause: new Error("inner") });
    const quiet = open();
    quiet.log.error("Failed", { error });
    assert.match(quiet.lines[0] ?? "", /error="outer \(cause: inner\)"/);
    const loud = open({ level: "debug" });
    loud.log.error("Failed", { error });
    assert.match(loud.lines[0] ?? "", /telemetry-log\.test/);
    assert.equal(loud.lines[0]?.split("\n").length, 2);
  });

  it("cuts long fields and survives what repeats itself", () => {
    const { log, lines } = open();
    const loop: { self?: unknown } = {};
    loop.self = loop;
    log.info("Odd", { long: "x".repeat(100_000), many: Array(100_000).fill("y"), loop });
    assert.ok((lines[0]?.length ?? 0) < 10_000);
    assert.match(lines[0] ?? "", /repeated/);
  });

  it("uses colour only when told to, and keeps it to one line", () => {
    const { log, lines } = open({ colour: true });
    log.warn("Careful");
    assert.match(lines[0] ?? "", /^\u001b\[33m.*Careful\u001b\[0m\n$/);
  });
});
