import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type Absent, enginesFolder } from "../support/services-folder.ts";

/** Servers that this Debian has not, from a suite that has them. */
export interface DebianPeer {
  readonly suite: "trixie" | "sid";
  readonly packages: readonly string[];
  /** Absolute paths inside the suite. */
  readonly programs: readonly string[];
}

/** A folder with a launcher for each program, which is run inside a root of that suite; fetched when it is not here yet. */
export function debianPrograms({ suite, packages, programs }: DebianPeer): string | Absent {
  const root = suiteRoot(suite);
  try {
    const missing = packages.filter((name) => !installed(root).includes(name));
    if (missing.length > 0 && (process.platform !== "linux" || process.getuid?.() !== 0))
      return { absent: "Only root on Linux can fetch a Debian suite" };
    if (!existsSync(root)) bootstrap(suite, root);
    if (missing.length > 0) install(root, missing);
  } catch (error) {
    return { absent: `Cannot fetch ${packages.join(", ")} from Debian ${suite}: ${(error as Error).message.split("\n")[0]}` };
  }
  const folder = join(enginesFolder(), `${suite}-programs`, basename(packages[0] ?? suite));
  mkdirSync(folder, { recursive: true });
  for (const program of programs) writeLauncher(root, program, join(folder, basename(program)));
  return folder;
}

/** Where the root of a suite is, or will be. The servers in there see it under the same path. */
export function suiteRoot(suite: DebianPeer["suite"]): string {
  return join(enginesFolder(), suite);
}

/** The packages of a root, with their versions. */
export function installedVersions(suite: DebianPeer["suite"]): ReadonlyMap<string, string> {
  const status = join(suiteRoot(suite), "var/lib/dpkg/status");
  const text = existsSync(status) ? readFileSync(status, "utf8") : "";
  return new Map(
    [...text.matchAll(/^Package: (.+)\nStatus: install ok installed\n(?:.+\n)*?Version: (?:\d+:)?(.+)$/gm)].map(
      ([, name = "", version = ""]) => [name, version],
    ),
  );
}

function installed(root: string): readonly string[] {
  return [...installedVersions(basename(root) as DebianPeer["suite"]).keys()];
}

function bootstrap(suite: string, root: string): void {
  if (!existsSync("/usr/sbin/debootstrap")) run("apt-get", "install", "-y", "--no-install-recommends", "debootstrap");
  const unfinished = `${root}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  run("debootstrap", "--variant=minbase", suite, unfinished);
  chmodSync(unfinished, 0o755);
  // No service starts by itself in there.
  writeFileSync(join(unfinished, "usr/sbin/policy-rc.d"), "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  renameSync(unfinished, root);
}

function install(root: string, packages: readonly string[]): void {
  // The same names and the same users on both sides; the mounts end with the command that made them.
  for (const file of ["hosts", "resolv.conf"]) copyFileSync(join("/etc", file), join(root, "etc", file));
  // A suite that is still being made may be past the date until which its index counts as fresh.
  const steps = `mount --bind /proc "$0/proc"; mount --bind /dev "$0/dev"; export DEBIAN_FRONTEND=noninteractive
    chroot "$0" apt-get update -q -o Acquire::Check-Valid-Until=false
    chroot "$0" apt-get install -q -y --no-install-recommends "$@"`;
  run("unshare", "--mount", "sh", "-ec", steps, root, ...packages);
}

/**
 * Needs no root: in a user namespace of its own it sees the suite's root, this machine's temporary folder
 * and processes, and it keeps its process id and its user.
 */
function writeLauncher(root: string, program: string, path: string): void {
  copyFileSync("/etc/passwd", join(root, "etc/passwd"));
  copyFileSync("/etc/group", join(root, "etc/group"));
  const shared = ["/proc", "/dev", tmpdir(), ...(enginesFolder().startsWith(`${tmpdir()}/`) ? [] : [enginesFolder()])];
  for (const folder of shared) mkdirSync(join(root, folder), { recursive: true });
  const text = `#!/bin/sh
case "$PWD/" in ${tmpdir()}/*) ;; *) cd / ;; esac
exec unshare --user --map-root-user --mount /bin/sh -ec '
root=$1 uid=$2 gid=$3 program=$4; shift 4
for folder in ${shared.join(" ")}; do mount --rbind $folder $root$folder; done
exec unshare --user --map-user=$uid --map-group=$gid --root=$root --wd="$PWD" $program "$@"
' sh ${root} "$(id -u)" "$(id -g)" ${program} "$@"
`;
  writeFileSync(path, text, { mode: 0o755 });
}

function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"], timeout: 15 * 60_000, env: { ...process.env, LC_ALL: "C.UTF-8" } });
}
