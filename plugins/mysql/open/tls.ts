import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { refusal } from "../refusal.ts";

const modes = ["disabled", "preferred", "required", "verify_ca", "verify_identity"] as const;

export type TlsMode = (typeof modes)[number];

export interface TlsSettings {
  readonly mode: TlsMode;
  /** What mysql2 takes as `ssl`; absent for an open connection. */
  readonly ssl?: {
    readonly rejectUnauthorized: boolean;
    readonly verifyIdentity: boolean;
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
  };
}

/** Reads `ssl-mode` and its files as the `mysql` client means them: a CA alone asks for its verification. */
export function tlsSettings(options: Readonly<Record<string, string>>, host: string | undefined): TlsSettings {
  const ca = options["ssl-ca"];
  const mode = modeOf(options["ssl-mode"] ?? (ca === undefined ? "preferred" : "verify_ca"));
  if (mode === "disabled" || host === undefined) return { mode: "disabled" };
  if (mode === "verify_identity" && isIP(host) !== 0) {
    const message = `Cannot verify the identity of "${host}": a host name is needed`;
    throw refusal({ code: "INPUT_INVALID", message, hint: "Write the host name of the certificate, or use ssl-mode=verify_ca" });
  }
  const verifies = mode === "verify_ca" || mode === "verify_identity";
  return {
    mode,
    ssl: {
      rejectUnauthorized: verifies,
      verifyIdentity: mode === "verify_identity",
      ...fileOption("ca", ca),
      ...fileOption("cert", options["ssl-cert"]),
      ...fileOption("key", options["ssl-key"]),
    },
  };
}

function modeOf(text: string): TlsMode {
  const wanted = text.toLowerCase().replaceAll("-", "_");
  const mode = modes.find((known) => known === wanted);
  if (mode !== undefined) return mode;
  throw refusal({ code: "INPUT_INVALID", message: `Option "ssl-mode" is "${text}"`, hint: `Use one of: ${modes.join(", ")}` });
}

function fileOption(name: "ca" | "cert" | "key", path: string | undefined): Readonly<Partial<Record<"ca" | "cert" | "key", string>>> {
  if (path === undefined) return {};
  try {
    return { [name]: readFileSync(path, "utf8") };
  } catch (error) {
    throw refusal(
      { code: "INPUT_INVALID", message: `Cannot read "${path}" (ssl-${name})`, hint: "Check the path and its permissions" },
      error,
    );
  }
}
