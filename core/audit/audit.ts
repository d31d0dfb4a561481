import { problem } from "../problem.ts";
import { type AuditFile, openAuditFile } from "./file.ts";
import { type Signer, signerIn } from "./key.ts";
import type { AuditRecord } from "./record.ts";

/** Keeps one record of each call. */
export interface Audit {
  /** @throws LIMIT_EXCEEDED when it cannot be written and calls are to stop then */
  append(record: AuditRecord): void;
  /** @throws LIMIT_EXCEEDED when the last record could not be written and calls are to stop then */
  ready(): void;
  close(): void;
}

export interface AuditPlace {
  /** Holds the files and their locks. */
  readonly folder: string;
  /** Where the key that signs checkpoints is kept. */
  readonly keyFolder: string;
  readonly version: string;
  readonly maxFileBytes: number;
  /** Older files are deleted when a new one begins. */
  readonly keepMillis: number;
  /** What becomes of calls when the audit cannot be written. */
  readonly onFailure: "stop" | "continue";
  readonly log: { error(message: string): void };
  readonly now?: () => Date;
}

const recordsPerCheckpoint = 100;

/**
 * A process writes a file that no other process writes: the newest one that is free, or a new one. Each new file names the ends of
 * those before it. A record is one write, and is with the system when `append` returns: a process that is killed loses none.
 */
export function createAudit(place: AuditPlace): Audit {
  const { maxFileBytes, onFailure, log, now = () => new Date() } = place;
  let signer: Signer | undefined;
  let current: AuditFile | undefined;
  let failure: string | undefined;

  const seal = (file: AuditFile): void => {
    if (file.unsigned === 0) return;
    signer ??= signerIn(place.keyFolder);
    file.write({ type: "checkpoint", time: now().toISOString(), records: file.unsigned, signature: signer.sign(file.chain) });
  };
  const end = (): void => {
    const ending = current;
    current = undefined;
    if (ending === undefined) return;
    try {
      seal(ending);
    } finally {
      ending.close();
    }
  };
  const open = (): AuditFile => (current ??= openAuditFile(place, now()));
  const refuse = (): never => {
    throw problem(
      "LIMIT_EXCEEDED",
      `The audit cannot be written: ${failure}`,
      "Free space where the audit is kept, or let calls go on without it (audit.onFailure: continue)",
    );
  };

  return {
    append(record) {
      try {
        if (current !== undefined && current.bytes >= maxFileBytes) end();
        const file = open();
        file.write(record);
        if (file.unsigned >= recordsPerCheckpoint) {
          seal(file);
          file.flush();
        }
        failure = undefined;
      } catch (error) {
        const reason = (error as NodeJS.ErrnoException).code ?? String(error);
        if (failure === undefined) log.error(`The audit cannot be written: ${reason}`);
        failure = reason;
        if (onFailure === "stop") refuse();
      }
    },
    ready() {
      // Each call tries again; while it cannot be written, nothing happens that would have to be written.
      if (failure === undefined || onFailure === "continue") return;
      try {
        seal(open());
        failure = undefined;
      } catch {
        refuse();
      }
    },
    close() {
      try {
        end();
      } catch (error) {
        log.error(`The audit could not be closed: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
      }
    },
  };
}
