import { createPrivateKey, X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { refusal } from "../refusal.ts";

const modes = ["disabled", "preferred", "required", "verify_ca", "verify_identity"] as const;
const versions = ["TLSv1.2", "TLSv1.3"] as const;

export type TlsMode = (typeof modes)[number];
type TlsVersion = (typeof versions)[number];

export interface TlsSettings {
  readonly mode: TlsMode;
  /** What mysql2 takes as `ssl`; absent for an open connection. */
  readonly ssl?: {
    readonly rejectUnauthorized: boolean;
    readonly verifyIdentity: boolean;
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly minVersion?: TlsVersion;
    readonly maxVersion?: TlsVersion;
  };
}

const asCertificate = (text: string) => new X509Certificate(text);

type Options = Readonly<Record<string, string>>;

/** Reads `ssl-mode` and its files as the `mysql` client means them: an authority alone asks for its verification. */
export function tlsSettings(options: Options, host: string | undefined): TlsSettings {
  const mode = modeOf(options);
  if (mode === "disabled" || host === undefined) return { mode: "disabled" };
  if (mode === "verify_identity" && isIP(host) !== 0) {
    const message = `Cannot verify the identity of "${host}": a host name is needed`;
    throw refusal({ code: "INPUT_INVALID", message, hint: "Write the host name of the certificate, or use ssl-mode=verify_ca" });
  }
  const authorities = [fileOf(options, "ssl-ca", asCertificate), folderOf(options, "ssl-capath")].filter((text) => text !== undefined);
  const cert = fileOf(options, "ssl-cert", asCertificate);
  const key = fileOf(options, "ssl-key", createPrivateKey);
  const given = {
    ...(authorities.length > 0 && { ca: authorities.join("\n") }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...versionRange(options["tls-version"]),
  };
  if (cert !== undefined && key !== undefined && !new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    const message = 'The key of "ssl-key" is not that of the certificate "ssl-cert"';
    throw refusal({ code: "INPUT_INVALID", message, hint: "Give the key the certificate was made for" });
  }
  const verifies = mode === "verify_ca" || mode === "verify_identity";
  return { mode, ssl: { rejectUnauthorized: verifies, verifyIdentity: mode === "verify_identity", ...given } };
}

/** MariaDB's files know no `ssl-mode`; what they say instead means one. */
function modeOf(options: Options): TlsMode {
  const text = options["ssl-mode"];
  if (text === undefined) {
    if (isOn(options["skip-ssl"]) || options.ssl === "0") return "disabled";
    if (isOn(options["ssl-verify-server-cert"])) return "verify_identity";
    if (options["ssl-ca"] !== undefined || options["ssl-capath"] !== undefined) return "verify_ca";
    return isOn(options.ssl) ? "required" : "preferred";
  }
  const wanted = text.toLowerCase().replaceAll("-", "_");
  const mode = modes.find((known) => known === wanted);
  if (mode !== undefined) return mode;
  throw refusal({ code: "INPUT_INVALID", message: `Option "ssl-mode" is "${text}"`, hint: `Use one of: ${modes.join(", ")}` });
}

export function isOn(value: string | undefined): boolean {
  return value !== undefined && !/^(?:0|off|false)$/i.test(value);
}

/** Both ends of the list: a library takes a range. */
function versionRange(text: string | undefined): { readonly minVersion?: TlsVersion; readonly maxVersion?: TlsVersion } {
  if (text === undefined) return {};
  const wanted = text.split(",").map((name) => name.trim().toLowerCase());
  const found = versions.filter((version) => wanted.includes(version.toLowerCase()));
  const [minVersion] = found;
  const maxVersion = found.at(-1);
  if (minVersion !== undefined && maxVersion !== undefined) return { minVersion, maxVersion };
  throw refusal({
    code: "INPUT_INVALID",
    message: `Option "tls-version" is "${text}"`,
    hint: `Use one or both of: ${versions.join(", ")}`,
  });
}

/** The text of the file an option names; `check` throws where it is of no use. */
export function fileOf(options: Options, name: string, check?: (text: string) => unknown): string | undefined {
  const path = options[name];
  if (path === undefined) return undefined;
  return reading(name, path, () => {
    const text = readFileSync(path, "utf8");
    check?.(text);
    return text;
  });
}

function folderOf(options: Options, name: string): string | undefined {
  const path = options[name];
  if (path === undefined) return undefined;
  return reading(name, path, () => {
    const files = readdirSync(path).map((file) => join(path, file));
    return files
      .filter((file) => statSync(file).isFile())
      .map((file) => readFileSync(file, "utf8"))
      .join("\n");
  });
}

function reading(name: string, path: string, read: () => string): string {
  try {
    return read();
  } catch (error) {
    throw refusal(
      { code: "INPUT_INVALID", message: `Cannot read "${path}" (${name})`, hint: "Check the path, its permissions and what it holds" },
      error,
    );
  }
}
