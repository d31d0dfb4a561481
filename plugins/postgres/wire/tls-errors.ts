import type { Diagnosis } from "../../../core/contract/problem.ts";

const failed = (message: string, hint: string): Diagnosis => ({ code: "CONNECTION_FAILED", message, hint, retryable: false });
const refused = (message: string, hint: string): Diagnosis => ({ code: "CREDENTIALS_REJECTED", message, hint });

/** OpenSSL's names, as Node has them: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const readings: readonly (readonly [RegExp, Diagnosis])[] = [
  [/^CERT_HAS_EXPIRED$/, failed("The server's certificate has expired", "Have it renewed, and check the clock of this machine")],
  [/^CERT_NOT_YET_VALID$/, failed("The server's certificate is not valid yet", "Check the clocks of this machine and of the server")],
  [/^CERT_REVOKED$/, failed("The server's certificate was revoked", "Have the server given another one")],
  [
    /^(?:UNABLE_TO_GET_CRL|CRL_|UNABLE_TO_DECRYPT_CRL)/,
    failed(
      "The list of revoked certificates does not fit the server's authority, or is out of date",
      "Give the authority's newest list with sslcrl",
    ),
  ],
  [
    /^(?:UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_UNTRUSTED|CERT_SIGNATURE_FAILURE|INVALID_CA)/,
    failed(
      "The server's certificate is not signed by an authority that is trusted here",
      "Give the server's authority with sslrootcert=<file>",
    ),
  ],
  [
    /ALERT_CERTIFICATE_REQUIRED|certificate required/i,
    refused("The server asks for a client certificate, and none was given", "Give one with sslcert and sslkey"),
  ],
  [
    /ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_|UNSUPPORTED_CERTIFICATE|DECRYPT_ERROR)|alert (?:unknown ca|bad certificate|certificate)/i,
    refused(
      "The server does not accept the client certificate",
      "Give one that is valid and that its authority signed, with sslcert and sslkey",
    ),
  ],
  [/^(?:ERR_SSL|EPROTO)/, failed("The server and this driver agree on no way to encrypt", "Let the server offer TLS 1.2 or newer")],
  [
    /^(?:CERT_|ERR_TLS|ERR_OSSL|HOSTNAME_MISMATCH|UNABLE_TO)/,
    failed("The server's certificate is not accepted", "Give the right authority with sslrootcert, or choose another sslmode"),
  ],
];

/** Reads an error of TLS by its code, or by its words where a runtime gives every one the same code. */
export function ofTls(code: string, message: string): Diagnosis | undefined {
  if (!/^(?:CERT_|CRL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|ERR_OSSL|EPROTO|HOSTNAME_MISMATCH|INVALID_CA)/.test(code))
    return undefined;
  return readings.find(([pattern]) => pattern.test(code) || pattern.test(message))?.[1];
}
