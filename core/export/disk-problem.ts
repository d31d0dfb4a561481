import { dirname } from "node:path";
import { Problem, problem, toPublic } from "../problem.ts";

/** Makes a handler for a failed file operation: it throws the problem a person can act on, or the error itself. */
export function diskProblem(path: string): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    throw diagnosed(error, path) ?? error;
  };
}

function diagnosed(error: NodeJS.ErrnoException, path: string): Problem | undefined {
  switch (error.code) {
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return noSpace(path, error);
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return problem("FORBIDDEN", `Cannot write "${path}": permission denied`, "Choose a folder you may write to", error);
    case "ENOENT":
      return problem("NOT_FOUND", `Folder "${dirname(path)}" does not exist`, `Create it: mkdir -p "${dirname(path)}"`, error);
    case "ENOTDIR":
      return problem("INPUT_INVALID", `Cannot write "${path}": a part of the path is a file`, "Choose a path whose folders exist", error);
    case "ENAMETOOLONG":
      return problem("INPUT_INVALID", `Cannot write "${path}": the name is too long`, "Choose a shorter name", error);
    case "EEXIST":
      return taken(path, error);
    default:
      return undefined;
  }
}

export function noSpace(path: string, cause: unknown): Problem {
  return problem(
    "LIMIT_EXCEEDED",
    `Cannot write "${path}": no space is left`,
    "Free disk space, or choose a folder on another disk",
    cause,
  );
}

export function taken(path: string, cause?: unknown): Problem {
  return problem("CONFLICT", `File "${path}" already exists`, "Choose another name, or replace it with the option overwrite", cause);
}

/** An error about a temporary file, told of the file the caller asked for. */
export function inTermsOf(path: string, temp: string, error: unknown): unknown {
  if (!(error instanceof Problem) || !error.message.includes(temp)) return error;
  const [before = "", ...after] = error.message.split(temp);
  const message = before + after.map((rest) => path + rest.replace(/^[^"]*/, "")).join("");
  return new Problem({ ...toPublic(error), message }, error);
}
