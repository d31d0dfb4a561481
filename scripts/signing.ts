import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeKey, parseKey, publicText, readKey, type SigningKey } from "../core/plugin/author/signing.ts";
import { readKeys } from "../core/plugin/trust.ts";
import { root } from "./targets.ts";

/** The key of `TIDEGATE_SIGNING_KEY` (PEM text, or the path of it; named by `TIDEGATE_SIGNING_NAME`), if there is one. */
export function givenKey(): SigningKey | undefined {
  const given = process.env.TIDEGATE_SIGNING_KEY;
  if (!given) return undefined;
  const name = process.env.TIDEGATE_SIGNING_NAME || "tidegate";
  return given.includes("-----BEGIN") ? parseKey(given, name) : readKey(given, name);
}

/** The given key, or this clone's own, which is made once and trusted only by the binaries built here. */
export function signingKey(): SigningKey {
  return givenKey() ?? developmentKey();
}

/** What a release trusts: the keys of `TIDEGATE_RELEASE_KEYS` (`name:base64`, parted by spaces), or the given key's own. None is invented. */
export function releaseKeys(): string {
  const named = process.env.TIDEGATE_RELEASE_KEYS?.trim() ?? "";
  readKeys(named); // A key that cannot be read must not be found out by those who install the release.
  const given = givenKey();
  return named !== "" || given === undefined ? named : publicText(given);
}

/** What a binary for this machine trusts: as a release, and the plugins that are built here. */
export function trustedKeys(): string {
  return [...new Set([...releaseKeys().split(/\s+/), publicText(signingKey())])].join(" ").trim();
}

function developmentKey(): SigningKey {
  const path = join(root, ".cache", "signing", "development.pem");
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  makeKey(path); // Where another build was faster, its key it is.
  return readKey(path, "development");
}
