import { existsSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import type { ConnectionOptions } from "node:tls";
import { refusal } from "../refusal.ts";
import type { Settings } from "./settings.ts";

/** What `sslmode` and its certificates mean to `node:tls`, the way libpq means them. The name in the certificate is checked afterwards. */
export function tlsOptions({ sslMode, options, directTls }: Settings, host: string): ConnectionOptions {
  const folder = join(homedir(), ".postgresql");
  const rootFile = options.sslrootcert ?? present(join(folder, "root.crt"));
  const system = options.sslrootcert === "system";
  const verifies = sslMode.startsWith("verify");
  if (verifies && rootFile === undefined) {
    throw refusal({
      code: "INPUT_INVALID",
      message: `sslmode=${sslMode} needs the certificate of an authority to trust`,
      hint: `Give sslrootcert=<file>, put it into ${join(folder, "root.crt")}, or use sslrootcert=system`,
    });
  }
  // libpq: a root certificate that is there is used, also by sslmode=require.
  const checked = verifies || (sslMode === "require" && rootFile !== undefined);
  const cert = read("sslcert", options.sslcert ?? present(join(folder, "postgresql.crt")));
  const key = read("sslkey", options.sslkey ?? (cert === undefined ? undefined : present(join(folder, "postgresql.key"))));
  return {
    ...(isIP(host) === 0 && options.sslsni !== "0" && { servername: host }),
    rejectUnauthorized: checked,
    ...(checked && !system && { ca: read("sslrootcert", rootFile) }),
    checkServerIdentity: () => undefined,
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(options.sslpassword !== undefined && { passphrase: options.sslpassword }),
    ...(directTls && { ALPNProtocols: ["postgresql"] }),
    minVersion: "TLSv1.2",
  };
}

function present(path: string): string | undefined {
  return existsSync(path) ? path : undefined;
}

function read(option: string, path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (cause) {
    throw refusal(
      {
        code: "INPUT_INVALID",
        message: `Cannot read the file of option "${option}": "${path}"`,
        hint: "Name a file that exists and may be read",
      },
      cause,
    );
  }
}
