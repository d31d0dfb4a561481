import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Config } from "../../core/config/config.ts";
import type { Flags } from "../../core/config/flags.ts";
import { loadConfig } from "../../core/config/load.ts";
import { Problem } from "../../core/problem.ts";

export interface LoadOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly configPath?: string;
  readonly flags?: Flags;
  /** Below the home folder; `project` unless told otherwise. */
  readonly from?: string;
}

/** A private home folder with a project in it; the environment holds nothing else. */
export function createConfigFolder() {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "tidegate-config-")));
  const project = join(home, "project");
  mkdirSync(project);
  const path = (name: string) => join(home, name);
  const write = (name: string, content: string | Uint8Array): string => {
    mkdirSync(dirname(path(name)), { recursive: true });
    writeFileSync(path(name), content);
    return path(name);
  };
  const load = ({ env = {}, from = "project", ...rest }: LoadOptions = {}): Promise<Config> =>
    loadConfig({ cwd: path(from), env: { HOME: home, ...env }, ...rest });
  return {
    home,
    project,
    path,
    write,
    load,
    /** Writes the project's file and loads it. */
    loadText: (content: string | Uint8Array, options: LoadOptions = {}) => {
      write("project/tidegate.yaml", content);
      return load(options);
    },
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}

/** The problem that stopped `work`; anything else is thrown on. */
export async function problemOf(work: Promise<unknown>): Promise<Problem> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error("Nothing went wrong");
}
