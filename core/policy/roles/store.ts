import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Principal } from "../../contract/policy.ts";
import { asProblem } from "../../problem.ts";
import { compilePolicy, onlyOne, type RolePolicy } from "./compile.ts";
import { policyProblem, readPolicy } from "./read.ts";

/** The policy in force. A change of its files is noticed; one that cannot be loaded changes nothing. */
export interface Roles {
  current(): RolePolicy | undefined;
  /** Notices a change, and waits until it is in force. */
  settled(): Promise<void>;
  /** Functions the principal's roles vouch for. */
  allowedFunctions(principal: Principal): readonly string[];
  /** Changes with the text of the policy in force. */
  mark(): string;
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
export async function createRoles({
  path,
  stateFolder,
  connections,
  tools,
  log,
  now = () => performance.now(),
}: RolesPlace): Promise<Roles> {
  let salt: string | undefined;
  let policy: RolePolicy | undefined;
  let stamp = "";
  let mark = "";
  let checked = now();
  let loading: Promise<void> | undefined;
  const load = async (): Promise<void> => {
    if (path === undefined) return;
    stamp = stampOf(path, policy?.besides ?? []);
    policy = await loadPolicy(path, { connections, tools });
    // Files a policy names are known only once it was read.
    if (policy.besides.length > 0) stamp = stampOf(path, policy.besides);
    mark = markOf([...policy.files, ...policy.besides]);
  };
  const reload = async (): Promise<void> => {
    try {
      await load();
      log.info(`The policy was loaded again: ${policy?.files.join(", ")}`);
    } catch (error) {
      log.error(`${asProblem(error).message}. The earlier policy stays`);
    }
  };
  /** Looks at most once a second, and then only at the files' times. */
  const look = (): void => {
    if (path === undefined || loading !== undefined || now() - checked < checkMillis) return;
    checked = now();
    if (stampOf(path, policy?.besides ?? []) === stamp) return;
    loading = reload().finally(() => {
      loading = undefined;
    });
  };
  await load();
  return {
    current: () => policy,
    async settled() {
      look();
      await loading;
    },
    allowedFunctions: (principal) => policy?.permissions(principal).entries.flatMap(({ entry }) => entry.functions?.allow ?? []) ?? [],
    mark: () => mark,
    salt: () => (salt ??= saltIn(stateFolder)),
  };
}

/** Reads a policy file, or all of a folder. @throws CONFIG_INVALID with file, line and remedy */
export async function loadPolicy(path: string, known: Parameters<typeof compilePolicy>[1]): Promise<RolePolicy> {
  const files = filesOf(path).map((file) => readPolicy(file, readGuarded(file)));
  const casbin = onlyOne(files, "casbin");
  const { file = "" } = files.find(({ policy }) => policy.casbin !== undefined) ?? {};
  if (casbin === undefined) return compilePolicy(files, known);
  const { loadCasbin } = await import("../casbin.ts");
  const [model, rules] = [resolve(dirname(file), casbin.model), resolve(dirname(file), casbin.policy)];
  const ask = loadCasbin({ name: model, text: readGuarded(model) }, { name: rules, text: readGuarded(rules) });
  return compilePolicy(files, known, { ask: await ask, columns: casbin.columns ?? false, files: [model, rules] });
}

/** @throws CONFIG_INVALID when there is none */
function filesOf(path: string): string[] {
  const about = statSync(path, { throwIfNoEntry: false });
  if (about === undefined) throw policyProblem(path, 1, "there is no such file", "Check policy.file");
  if (!about.isDirectory()) return [path];
  const files = readdirSync(path)
    .filter((name) => /\.ya?ml$/.test(name) && !name.endsWith(".test.yaml"))
    .sort()
    .map((name) => join(path, name));
  if (files.length === 0) throw policyProblem(path, 1, "the folder holds no .yaml file", "Put a policy file in it");
  return files;
}

/** @throws CONFIG_INVALID for a file that cannot be read, or that anybody may write */
function readGuarded(file: string): string {
  try {
    const text = readFileSync(file, "utf8");
    if (process.platform === "win32" || (statSync(file).mode & 0o002) === 0) return text;
  } catch (error) {
    const { code = "failed" } = error as NodeJS.ErrnoException;
    throw policyProblem(file, 1, `it cannot be read: ${code}`, "Check the path and its permissions");
  }
  throw policyProblem(file, 1, "anybody may write the file", `Take that right away: chmod o-w ${file}`);
}

/** Changes whenever one of the files does, or its permissions, or there are others. */
function stampOf(path: string, besides: readonly string[]): string {
  const inside = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(path).map((name) => join(path, name)) : [];
  return [path, ...inside, ...besides]
    .map((file) => {
      const found = statSync(file, { throwIfNoEntry: false });
      return `${file}:${found?.mtimeMs}:${found?.ctimeMs}:${found?.mode}:${found?.size}:${found?.ino}`;
    })
    .join("\n");
}

function markOf(files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of new Set(files)) hash.update(readFileSync(file)).update("\0");
  return hash.digest("hex").slice(0, 16);
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
