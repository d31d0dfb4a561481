import { execFileSync } from "node:child_process";
import { chownSync, mkdtempSync, rmdirSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Absent } from "./services-folder.ts";

/** A disk of its own that is soon full. */
export interface SmallDisk {
  readonly folder: string;
  freeBytes(): number;
  remove(): void;
}

/** Mounts a disk in memory; only root may, and in some containers not even root. */
export function smallDisk(megabytes: number, owner: { readonly uid?: number; readonly gid?: number } = {}): SmallDisk | Absent {
  if (process.platform !== "linux") return { absent: "only Linux mounts a disk in memory" };
  const folder = mkdtempSync(join(tmpdir(), "tidegate-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=0755`, "tmpfs", folder], { stdio: "ignore" });
  } catch {
    rmdirSync(folder);
    return { absent: "mounting a small disk is not allowed" };
  }
  if (owner.uid !== undefined && owner.gid !== undefined) chownSync(folder, owner.uid, owner.gid);
  return {
    folder,
    freeBytes() {
      const { bavail, bsize } = statfsSync(folder);
      return bavail * bsize;
    },
    remove() {
      // Lazily: a server that is being ended may still hold a file there.
      execFileSync("umount", ["--lazy", folder], { stdio: "ignore" });
      rmdirSync(folder);
    },
  };
}
