import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
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
    throw wrong(
      `sslmode=${sslMode} needs the certificate of an authority to trust`,
      `Give sslrootcert=<file>, put it into ${join(folder, "root.crt")}, or use sslrootcert=system`,
    );
  }
  // libpq: a root certificate that is there is used, also by sslmode=require.
  const checked = verifies || (sslMode === "require" && rootFile !== undefined);
  return {
    ...(isIP(host) === 0 && options.sslsni !== "0" && { servername: host }),
    rejectUnauthorized: checked,
    ...(checked && !system && rootFile !== undefined && { ca: certificates("sslrootcert", rootFile).pem }),
    ...(checked && revoked(options, folder)),
    checkServerIdentity: () => undefined,
    ...clientCertificate(options, folder),
    ...(directTls && { ALPNProtocols: ["postgresql"] }),
    minVersion: options.ssl_min_protocol_version === "TLSv1.3" ? "TLSv1.3" : "TLSv1.2",
  };
}

function revoked(options: Settings["options"], folder: string): Pick<ConnectionOptions, "crl"> {
  const file = options.sslcrl ?? present(join(folder, "root.crl"));
  const files = [
    ...(file === undefined ? [] : [["sslcrl", file] as const]),
    ...(options.sslcrldir === undefined ? [] : filesOf(options.sslcrldir).map((path) => ["sslcrldir", path] as const)),
  ];
  if (files.length === 0) return {};
  if (process.versions.deno !== undefined) {
    throw refusal({
      code: "UNSUPPORTED",
      message: "Deno does not look at lists of revoked certificates, as sslcrl asks",
      hint: "Use the tidegate binary, or leave sslcrl and sslcrldir out",
    });
  }
  const lists = files.map(([option, path]) => {
    const list = read(option, path);
    if (!list.includes("-----BEGIN X509 CRL-----"))
      throw wrong(`"${path}" holds no list of revoked certificates in PEM form`, `Check ${option}`);
    return list;
  });
  return { crl: lists };
}

function clientCertificate({ sslcert, sslkey, sslpassword }: Settings["options"], folder: string): Pick<ConnectionOptions, "cert" | "key"> {
  const certFile = sslcert ?? present(join(folder, "postgresql.crt"));
  if (certFile === undefined) return {};
  const keyFile = sslkey ?? present(join(folder, "postgresql.key"));
  if (keyFile === undefined) {
    throw wrong("A client certificate was given without its key", `Give sslkey=<file>, or put it into ${join(folder, "postgresql.key")}`);
  }
  const { pem, first } = certificates("sslcert", certFile);
  checkPrivate(keyFile);
  const key = privateKey(keyFile, sslpassword);
  if (!first.checkPrivateKey(key)) {
    throw wrong("The private key does not belong to the client certificate", "Give the pair that belongs together with sslcert and sslkey");
  }
  return { cert: pem, key: key.export({ type: "pkcs8", format: "pem" }) };
}

/** Read here, because runtimes tell what is wrong with one in their own ways, or not at all. */
function certificates(option: string, path: string): { readonly pem: Buffer; readonly first: X509Certificate } {
  const pem = read(option, path);
  try {
    return { pem, first: new X509Certificate(pem) };
  } catch (cause) {
    throw wrong(`"${path}" holds no certificate in PEM form`, `Check ${option}`, cause);
  }
}

function privateKey(path: string, passphrase: string | undefined): KeyObject {
  const key = read("sslkey", path);
  try {
    return createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) });
  } catch (cause) {
    if (key.includes("ENCRYPTED"))
      throw wrong(`The private key "${path}" is encrypted, and sslpassword does not open it`, "Give sslpassword", cause);
    throw wrong(`"${path}" holds no private key in PEM form`, "Check sslkey", cause);
  }
}

/** libpq takes no key that others may read; root's may be read by a group. */
function checkPrivate(path: string): void {
  const { mode, uid } = statSync(path);
  if (process.platform === "win32" || (mode & (uid === 0 ? 0o037 : 0o077)) === 0) return;
  throw wrong(`The private key "${path}" may be read by others`, `Run: chmod 600 '${path}'`);
}

function present(path: string): string | undefined {
  return existsSync(path) ? path : undefined;
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch (cause) {
    throw unreadable("sslcrldir", folder, cause);
  }
}

function read(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw unreadable(option, path, cause);
  }
}

function unreadable(option: string, path: string, cause: unknown): Error {
  return wrong(`Cannot read what option "${option}" names: "${path}"`, "Name a file that exists and may be read", cause);
}

function wrong(message: string, hint: string, cause?: unknown): Error {
  return refusal({ code: "INPUT_INVALID", message, hint }, cause);
}
