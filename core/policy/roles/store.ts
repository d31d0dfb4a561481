import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Principal } from "../../contract/policy.ts";
import { asProblem } from "../../problem.ts";
import { compilePolicy, type RolePolicy } from "./compile.ts";
import { policyProblem, readPolicy } from "./read.ts";

/** The policy in force. A change of its files is noticed; one that cannot be loaded changes nothing. */
export interface Roles {
  current(): RolePolicy | undefined;
  /** Functions the principal's roles vouch for. */
  allowedFunctions(principal: Principal): readonly string[];
  /** A secret of this installation that hashes of masked values are mixed with. */
  salt(): string;
}

export interface RolesPlace {
  /** A file or a folder; absent means that there is no policy. */
  readonly path?: string;
  /** Where the salt is kept. */
  readonly stateFolder: string;
  readonly connections: readonly string[];
  readonly tools: readonly string[];
  readonly log: { error(message: string): void; info(message: string): void };
  /** Milliseconds from any fixed moment. */
  readonly now?: () => number;
}

const checkMillis = 1000;

/** @throws CONFIG_INVALID when the policy cannot be loaded: without it nothing is served */
export function createRoles({ path, stateFolder, connections, tools, log, now = () => performance.now() }: RolesPlace): Roles {
  let salt: string | undefined;
  let policy: RolePolicy | undefined;
  let stamp = "";
  let checked = now();
  const load = (): void => {
    if (path === undefined) return;
    const found = filesOf(path);
    stamp = stampOf(found);
    policy = compilePolicy(
      found.map((file) => readPolicy(file, readFileSync(file, "utf8"))),
      { connections, tools },
    );
  };
  load();
  return {
    current() {
      if (path === undefined || now() - checked < checkMillis) return policy;
      checked = now();
      try {
        if (stampOf(filesOf(path)) === stamp) return policy;
        load();
        log.info(`The policy was loaded again: ${policy?.files.join(", ")}`);
      } catch (error) {
        log.error(`${asProblem(error).message}. The earlier policy stays`);
      }
      return policy;
    },
    allowedFunctions: (principal) => policy?.permissions(principal).entries.flatMap(({ entry }) => entry.functions?.allow ?? []) ?? [],
    salt: () => (salt ??= saltIn(stateFolder)),
  };
}

/** @throws CONFIG_INVALID for a file that is not there, cannot be read, or that anybody may write */
function filesOf(path: string): string[] {
  const about = statSync(path, { throwIfNoEntry: false });
  if (about === undefined) throw policyProblem(path, 1, "there is no such file", "Check policy.file");
  const files = about.isDirectory()
    ? readdirSync(path)
        .filter((name) => /\.ya?ml$/.test(name) && !name.endsWith(".test.yaml"))
        .sort()
        .map((name) => join(path, name))
    : [path];
  if (files.length === 0) throw policyProblem(path, 1, "the folder holds no .yaml file", "Put a policy file in it");
  for (const file of files) {
    if (process.platform !== "win32" && (statSync(file).mode & 0o002) !== 0)
      throw policyProblem(file, 1, "anybody may write the file", `Take that right away: chmod o-w ${file}`);
  }
  return files;
}

function stampOf(files: readonly string[]): string {
  return files
    .map((file) => {
      const { mtimeMs, size, ino } = statSync(file);
      return `${file}:${mtimeMs}:${size}:${ino}`;
    })
    .join("\n");
}

/** The first to need it makes it; of two at once, both then read the one that was written first. */
function saltIn(folder: string): string {
  const file = join(folder, "mask.salt");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    writeFileSync(file, randomBytes(32).toString("hex"), { mode: 0o600, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 32);
}
