import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { link, parts, root } from "./chain.ts";
import { verifierIn } from "./key.ts";
import type { AnyRecord } from "./record.ts";

/** Something that is not as it was written. */
export interface AuditFlaw {
  readonly file: string;
  /** From 1; absent when the whole file is meant. */
  readonly line?: number;
  readonly text: string;
}

export interface AuditReport {
  readonly files: number;
  readonly records: number;
  /** Signatures that were checked. */
  readonly checkpoints: number;
  /** Files whose last records are not signed: their process still writes, or was killed. */
  readonly unsigned: readonly string[];
  readonly flaws: readonly AuditFlaw[];
}

/** Reads every file again and holds it against its chain, its signatures, and what later files say of it. */
export function verifyAudit(folder: string, keyFolder: string): AuditReport {
  const files = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith(".jsonl"))
        .sort()
    : [];
  const check = verifierIn(keyFolder);
  const read = files.map((name) => verifyFile(join(folder, name), name, check));
  const known = new Map(read.map((file) => [file.name, file]));
  const retired = new Set(read.flatMap(({ opens }) => opens.flatMap((open) => open.retired ?? [])));
  const told = read.flatMap(({ name, opens }) =>
    opens.flatMap(({ heads }) => Object.entries(heads).map(([file, chain]) => ({ name, file, chain }))),
  );
  const missing = told.flatMap(({ name, file, chain }): AuditFlaw[] => {
    const found = known.get(file);
    if (found === undefined) return retired.has(file) ? [] : [{ file, text: `the file is gone; ${name} knew it` }];
    return found.links.has(chain) ? [] : [{ file, text: `the file ends before, or differs from, what ${name} knew of it` }];
  });
  return {
    files: files.length,
    records: read.reduce((sum, { records }) => sum + records, 0),
    checkpoints: read.reduce((sum, { checkpoints }) => sum + checkpoints, 0),
    unsigned: read.filter(({ signed }) => !signed).map(({ name }) => name),
    flaws: dedupe([...read.flatMap(({ flaws }) => flaws), ...missing]),
  };
}

function verifyFile(path: string, name: string, check: ReturnType<typeof verifierIn>) {
  const lines = readFileSync(path, "utf8").split("\n");
  const torn = lines.pop();
  const flaws: AuditFlaw[] = torn ? [{ file: name, line: lines.length + 1, text: "the last line is cut short" }] : [];
  const links = new Set([root(name)]);
  const opens: Extract<AnyRecord, { type: "open" }>[] = [];
  let [chain, checkpoints, records, signed] = [root(name), 0, 0, true];
  for (const [at, text] of lines.entries()) {
    const flaw = (what: string): void => void flaws.push({ file: name, line: at + 1, text: what });
    const found = parts(text);
    const record = found && readRecord(found.record);
    if (found === undefined || record === undefined) {
      flaw("the line is not a record");
      break;
    }
    if (link(chain, found.record) !== found.chain) {
      flaw("the record was changed, or one before it was taken out");
      break;
    }
    if (record.type === "checkpoint") {
      if (check !== undefined && !check(chain, record.signature)) flaw("the signature is not of this installation's key");
      checkpoints++;
      signed = true;
    } else if (record.type === "open") opens.push(record);
    else records++;
    if (record.type !== "checkpoint") signed = false;
    chain = found.chain;
    links.add(chain);
  }
  return { name, links, opens, flaws, records, checkpoints, signed };
}

export function readRecord(text: string): AnyRecord | undefined {
  try {
    return JSON.parse(text) as AnyRecord;
  } catch {
    return undefined;
  }
}

function dedupe(flaws: readonly AuditFlaw[]): AuditFlaw[] {
  return [...new Map(flaws.map((flaw) => [`${flaw.file}\0${flaw.line ?? ""}\0${flaw.text}`, flaw])).values()];
}
