import { isRefusal, refusal } from "../refusal.ts";
import type { Settings } from "./settings.ts";

type Reason = readonly [reason: string, hint: string, retryable?: boolean];

/** Errors of the network and of TLS do not say where; those of the server speak for themselves. */
export function unreachable(error: unknown, { host, port, socket }: Settings): unknown {
  if (isRefusal(error)) return error;
  const { code, errno, message } = error as { readonly code?: unknown; readonly errno?: unknown; readonly message?: unknown };
  if (typeof errno === "number" && errno >= 1000) return error;
  const found = code === "HANDSHAKE_SSL_ERROR" ? tlsReason(String(message)) : typeof code === "string" ? reasons[code] : undefined;
  if (found === undefined) return error;
  const place = socket === undefined ? `"${host}:${port}"` : `"${socket}"`;
  const [reason, hint, retryable = true] = found;
  return refusal({ code: "CONNECTION_FAILED", message: `Cannot reach ${place}: ${reason}`, hint, retryable }, error);
}

/** mysql2 keeps of a TLS error only its text, which comes from the same library in every runtime. */
function tlsReason(message: string): Reason {
  return (
    tlsReasons.find(([pattern]) => pattern.test(message))?.[1] ?? ["TLS failed", "Check ssl-mode, tls-version and the certificates", false]
  );
}

const tlsReasons: readonly (readonly [RegExp, Reason])[] = [
  [/expired/i, ["its certificate has expired", "Renew the server's certificate, or check the clock of this machine", false]],
  [/not yet valid/i, ["its certificate is not valid yet", "Check the clock of this machine, and the server's certificate", false]],
  [
    /altnames|hostname/i,
    ["its certificate is for another host", "Connect to the host its certificate names, or use ssl-mode=verify_ca", false],
  ],
  [
    /self.signed|local issuer|unable to verify|unknown ?issuer/i,
    ["its certificate comes from an authority that is not trusted", "Give the authority's certificate with ssl-ca", false],
  ],
  [/version|protocol/i, ["there is no TLS version both sides take", "Check tls-version, and the server's tls_version", false]],
];

const reasons: Readonly<Record<string, Reason>> = {
  ECONNREFUSED: ["nothing listens there", "Check host and port, and that the server runs"],
  ENOENT: ["there is no such socket", "Check the path of the socket, and that the server runs"],
  EACCES: ["access to the socket is denied", "Check the socket's permissions", false],
  ENOTFOUND: ["the host is unknown", "Check the host name", false],
  EAI_AGAIN: ["the host name cannot be looked up", "Check the host name and the network"],
  EHOSTUNREACH: ["there is no route to the host", "Check the host and the network"],
  ENETUNREACH: ["there is no route to the host", "Check the host and the network"],
  ETIMEDOUT: ["it did not answer in time", "Check host, port and firewall, or raise connect_timeout"],
  ECONNRESET: ["the server closed the connection", "Run it again, and look into the server's log"],
  EPIPE: ["the server closed the connection", "Run it again, and look into the server's log"],
  PROTOCOL_CONNECTION_LOST: ["the server closed the connection", "Run it again, and look into the server's log"],
  HANDSHAKE_NO_SSL_SUPPORT: ["the server offers no TLS", "Use ssl-mode=preferred, or set up TLS on the server", false],
  MYSQL_CLEAR_PASSWORD_NOT_ENABLED: ["the server wants the password in clear text", "Give the user another authentication plugin", false],
  AUTH_SWITCH_PLUGIN_ERROR: [
    "the server's way to log in is not supported",
    "Give the user caching_sha2_password, ed25519, parsec or mysql_native_password",
    false,
  ],
};
