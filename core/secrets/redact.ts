/** What stands where a secret was. */
export const redacted = "[secret]";

/** True when a key is named like something that must not be shown. */
export function namesSecret(key: string): boolean {
  return /pass|pwd|secret|token|credential|auth|signature|^sig$|key$/i.test(key);
}

/**
 * A connection's target as it may be shown: without user and password, and cut at the first option
 * named like a secret. Hides too much rather than too little, because a password may hold any character.
 */
export function redactTarget(text: string): string {
  const shown = text.replace(/^([\w+.:-]*:\/\/)?(.*)@/s, (all, scheme: string | undefined, userinfo: string) =>
    scheme !== undefined || userinfo.includes(":") ? `${scheme ?? ""}${redacted}@` : all,
  );
  for (const { 0: pair, 1: key = "", index } of shown.matchAll(/(?<=^|[?&;,\s])([^?&;,=\s]+)\s*=/g)) {
    if (namesSecret(key)) return `${shown.slice(0, index + pair.length)}${redacted}`;
  }
  return shown;
}
