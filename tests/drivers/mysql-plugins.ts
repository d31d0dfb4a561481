import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const usual = "/usr/lib/mysql/plugin";

/** MariaDB's login plugins: those of an installed server, or of its package, unpacked into a folder of our own. */
export function mariaDbPlugins(): { readonly folder: string; remove(): void } | { readonly absence: string } {
  const own = process.env.TIDEGATE_TEST_MYSQL_PLUGINS ?? usual;
  if (existsSync(join(own, "auth_ed25519.so"))) return { folder: own, remove: () => undefined };
  if (!existsSync("/usr/bin/apt-get")) return { absence: "MariaDB's auth_ed25519 is not installed" };
  const cwd = mkdtempSync(join(tmpdir(), "tidegate-mariadb-plugins-"));
  const remove = () => rmSync(cwd, { recursive: true, force: true });
  try {
    // The server runs as somebody else.
    chmodSync(cwd, 0o755);
    execFileSync("apt-get", ["download", "-q", "mariadb-server"], { cwd, stdio: "ignore" });
    const [archive = ""] = readdirSync(cwd).filter((name) => name.endsWith(".deb"));
    execFileSync("dpkg-deb", ["-x", archive, "unpacked"], { cwd, stdio: "ignore" });
    return { folder: join(cwd, "unpacked", usual), remove };
  } catch {
    remove();
    return { absence: "MariaDB's auth_ed25519 is not installed, and its package cannot be had" };
  }
}
