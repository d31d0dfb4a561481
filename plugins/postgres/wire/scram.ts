import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { refusal } from "../refusal.ts";

/** What ties the exchange to the TLS connection it runs over: RFC 5929's `tls-server-end-point`. */
export interface Binding {
  /** The hash of the server's certificate; `undefined` where nothing can be bound. */
  readonly hash: Buffer | undefined;
  readonly wanted: "disable" | "prefer" | "require";
}

/** One exchange of SCRAM-SHA-256, RFC 5802 and RFC 7677. */
export interface Scram {
  readonly mechanism: string;
  /** True when nobody between here and the server can pass the exchange on. */
  readonly bound: boolean;
  readonly first: string;
  /** Answers the server's challenge. @throws a refusal when it is no answer to ours */
  answer(challenge: string, password: string): Promise<string>;
  /** @throws a refusal when the server does not know the password either */
  verify(outcome: string): void;
}

const plain = "SCRAM-SHA-256";
const plus = "SCRAM-SHA-256-PLUS";
/** Far beyond what any server asks for; more would only keep this machine busy. */
const mostIterations = 10_000_000;

/** Begins an exchange by the best of the mechanisms that the server offers; `undefined` when it offers none of ours. */
export function beginScram(offered: readonly string[], { hash, wanted }: Binding): Scram | undefined {
  const bound = hash !== undefined && wanted !== "disable" && offered.includes(plus);
  if (!bound && !offered.includes(plain)) return undefined;
  // "y" says that we could have bound it: a server that offered as much then knows that somebody took its offer away.
  const header = bound ? "p=tls-server-end-point,," : hash !== undefined && wanted !== "disable" ? "y,," : "n,,";
  const channel = Buffer.concat([Buffer.from(header), ...(bound ? [hash] : [])]).toString("base64");
  const nonce = randomBytes(18).toString("base64");
  const bare = `n=,r=${nonce}`;
  let signature: Buffer | undefined;
  return {
    mechanism: bound ? plus : plain,
    bound,
    first: header + bare,
    async answer(challenge, password) {
      const [, theirs = "", salt = "", rounds = ""] = /^r=([^,]+),s=([^,]+),i=(\d{1,9})(?:,|$)/.exec(challenge) ?? [];
      const iterations = Number(rounds);
      if (!theirs.startsWith(nonce) || theirs === nonce || iterations < 1 || iterations > mostIterations) throw unproved();
      const salted = await promisify(pbkdf2)(prepared(password), Buffer.from(salt, "base64"), iterations, 32, "sha256");
      const key = hmac(salted, "Client Key");
      const unsigned = `c=${channel},r=${theirs}`;
      const all = `${bare},${challenge},${unsigned}`;
      const mask = hmac(createHash("sha256").update(key).digest(), all);
      signature = hmac(hmac(salted, "Server Key"), all);
      return `${unsigned},p=${Buffer.from(key.map((byte, at) => byte ^ (mask[at] ?? 0))).toString("base64")}`;
    },
    verify(outcome) {
      const told = Buffer.from(/^v=([^,]+)/.exec(outcome)?.[1] ?? "", "base64");
      if (signature === undefined || told.length !== signature.length || !timingSafeEqual(told, signature)) throw unproved();
    },
  };
}

/** The hash a certificate is signed with, or SHA-256 in place of a weaker one; `undefined` where its algorithm names none. */
export function endPointHash(certificate: Buffer, algorithm: string | undefined): Buffer | undefined {
  const name = /md5|sha-?1(?!\d)/i.test(algorithm ?? "") ? "256" : /sha-?(224|256|384|512)/i.exec(algorithm ?? "")?.[1];
  return name === undefined ? undefined : createHash(`sha${name}`).update(certificate).digest();
}

/** SASLprep, RFC 4013, as the server does it: what it forbids is taken as it is. */
function prepared(password: string): string {
  const mapped = password
    .replace(/[\u00ad\u1806\u200b-\u200d\u2060\ufeff]|\u034f|[\u180b-\u180d]|[\ufe00-\ufe0f]/g, "")
    .replace(/\p{Zs}/gu, " ");
  const normal = mapped.normalize("NFKC");
  return normal === "" || /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\u200e\u200f\u2028-\u202e\u206a-\u206f\ufff9-\ufffd]/u.test(normal) ? password : normal;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function unproved(): Error {
  return refusal({
    code: "CREDENTIALS_REJECTED",
    message: "The server could not prove that it knows the password",
    hint: "Check host and port: another server may answer there",
  });
}
