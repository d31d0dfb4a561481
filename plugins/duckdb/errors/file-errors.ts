import type { Diagnosis } from "../../../core/contract/problem.ts";
import type { EngineError } from "./engine-error.ts";

type Rule = readonly [pattern: RegExp, explain: (...parts: string[]) => Diagnosis];

/** What the engine says of files, most telling first. Lines of a data file are never repeated: they are rows. */
const rules: readonly Rule[] = [
  [
    /^Could not set lock on file "(.*?)": Conflicting lock is held in (?:.*[/\\])?([^/\\]+?) \((PID \d+)\)/,
    (path, program, pid) => ({
      code: "CONNECTION_FAILED",
      message: `File "${path}" is locked by another process (${program}, ${pid})`,
      hint: "Close it there, or try again when it has ended",
      retryable: true,
    }),
  ],
  [
    /^Could not set lock on file "(.*?)"/,
    (path) => ({
      code: "CONNECTION_FAILED",
      message: `File "${path}" is locked by another process`,
      hint: "Close it there, or try again when it has ended",
      retryable: true,
    }),
  ],
  [
    /version number (\d+), but we can only read versions? (.*?)\.(?:\s|$)/,
    (version, known) => ({
      code: "CONNECTION_FAILED",
      message: `The file has DuckDB storage version ${version}: this DuckDB reads ${known}`,
      hint: "Write it again with EXPORT DATABASE in the DuckDB that made it",
      retryable: false,
    }),
  ],
  [
    /^(?:Could not write (?:file|all bytes to file)|Cannot open file) "(.*?)".*(?:No space left|Disk quota exceeded|File too large|wanted=)/,
    (path) => ({
      code: "LIMIT_EXCEEDED",
      message: `Cannot write "${path}": no space is left`,
      hint: "Free disk space, or choose a folder on another disk",
    }),
  ],
  [
    /No space left on device|Could not write all bytes|max_temp_directory_size/,
    () => ({
      code: "LIMIT_EXCEEDED",
      message: "No space is left for the temporary data of DuckDB",
      hint: "Free disk space where temporary files are kept, or sort and join fewer rows",
    }),
  ],
  [/^The file "(.*)" exists, but it is not a valid DuckDB/, (path) => notDatabase(path)],
  [
    /^(?:Corrupt database file|Could not read enough bytes|Failure while replaying WAL)/,
    () => damaged("The database file is damaged or incomplete"),
  ],
  [/^Could not read from file "(.*?)": (.*)/, (path, reason) => damaged(`Cannot read "${path}": ${reason.toLowerCase()}`)],
  [/^Cannot open (?:file|database) "(.*?)".*(?:does not exist|No such file)/s, (path) => missing(path)],
  [
    /^Cannot open file "(.*?)": (.*)/,
    (path, reason) => ({ code: "CONNECTION_FAILED", message: `Cannot open "${path}": ${reason.toLowerCase()}`, retryable: false }),
  ],
  [/^No files found that match the pattern "(.*?)"/, (pattern) => noMatch(pattern)],
  [
    /^CSV Error on Line: (\d+).*?Error when converting column "(.*?)".*? to '(\w+)'.*?\n\s*file = (.*?)\n/s,
    (line, column, type, path) => csvType(line, column, type, path),
  ],
  [
    /^CSV Error on Line: (\d+).*?not utf-8 encoded.*?\n\s*file = (.*?)\n/s,
    (line, path) => unreadable(`Cannot read line ${line} of "${path}": it is not UTF-8`, "Convert the file to UTF-8"),
  ],
  [
    /^CSV Error on Line: (\d+)\n(?:Original Line: .*?\n)?(.*?)[.!]?\n.*?\n\s*file = (.*?)\n/s,
    (line, reason, path) =>
      unreadable(
        `Cannot read line ${line} of "${path}": ${reason.toLowerCase()}`,
        "Correct the file, or name its separator with delim=; in the target",
      ),
  ],
  [
    /^Error when sniffing file "(.*?)"/,
    (path) => unreadable(`Cannot make out the columns of "${path}"`, "Name its separator with delim=; in the target"),
  ],
  [
    // The engine's count of records and lines is one too high, or more: it is left out.
    /^Malformed JSON in file "(.*?)", at byte \d+ in (?:record\/value|line) \d+: ([a-z -]+)/,
    (path, reason) => unreadable(`Cannot read "${path}": it is not JSON throughout: ${reason}`, "Correct the file"),
  ],
  [
    /^(?=.*(?:Footer length error in file|No magic bytes found at end of file|too small to be a Parquet file|Invalid footer)).*?['"](.*?)['"]/,
    (path) => unreadable(`Cannot read "${path}": it is not a Parquet file, or it is incomplete`, "Write the file again"),
  ],
  [/^TProtocolException/, () => unreadable("Cannot read a Parquet file: its footer is damaged", "Write the file again")],
  [
    /^(?:Input is not a GZIP stream|ZSTD Decompression error).*?:? ?(\/.*)?$/,
    (path) => unreadable(`Cannot unpack ${path ? `"${path}"` : "the file"}`, "Name the file as what it is, or pack it again"),
  ],
];

/** Reads what the engine says of a file; `undefined` when it speaks of something else. */
export function diagnoseFile({ type, message }: EngineError): Diagnosis | undefined {
  for (const [pattern, explain] of rules) {
    const found = pattern.exec(message);
    if (found !== null) return explain(...found.slice(1));
  }
  if (type !== "IO" && type !== "Serialization") return undefined;
  return {
    code: "CONNECTION_FAILED",
    message: "DuckDB cannot read or write a file",
    hint: "Look whether the disk is full and the files are still there",
    retryable: false,
  };
}

export function missing(path: string): Diagnosis {
  return { code: "NOT_FOUND", message: `File "${path}" does not exist` };
}

export function noMatch(pattern: string): Diagnosis {
  return {
    code: "NOT_FOUND",
    message: `No file matches "${pattern}"`,
    hint: "Correct the pattern, or name the folder to see all of its files",
  };
}

const readableFiles = ".csv, .tsv, .json, .ndjson, .jsonl or .parquet";

export function unreadableMatches(pattern: string): Diagnosis {
  return {
    code: "INPUT_INVALID",
    message: `No file that matches "${pattern}" is one DuckDB reads`,
    hint: `Match files that end in ${readableFiles}`,
  };
}

export function notDatabase(path: string): Diagnosis {
  return {
    code: "INPUT_INVALID",
    message: `File "${path}" is not a DuckDB database`,
    hint: `Name a file that DuckDB made, or one that ends in ${readableFiles}`,
  };
}

function damaged(message: string): Diagnosis {
  return { code: "CONNECTION_FAILED", message, hint: "Restore the file from a backup", retryable: false };
}

function unreadable(message: string, hint: string): Diagnosis {
  return { code: "INPUT_INVALID", message, hint };
}

function csvType(line: string, column: string, type: string, path: string): Diagnosis {
  return unreadable(
    `Cannot read line ${line} of "${path}": column "${column}" is not ${type} there`,
    "Add sample_size=-1 to the target, or all_varchar=true to read every column as text",
  );
}
