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
  const scheme = /^[\w+.:-]*:\/\//.exec(text)?.[0] ?? "";
  const at = text.lastIndexOf("@");
  const value = secretValueAt(text);
  if (at === -1 || (scheme === "" && !text.slice(0, at).includes(":"))) return value === undefined ? text : text.slice(0, value) + redacted;
  if (value === undefined) return scheme + redacted + text.slice(at);
  // An option before the "@" may be a part of the password, and the "@" a part of the option: nothing else is shown.
  return scheme + redacted + (value < at ? "" : text.slice(at, value) + redacted);
}

/** Where the value of the first option begins that is named like a secret: `?token=…`, `password = …`, `;Pwd=…`. */
function secretValueAt(text: string): number | undefined {
  for (const { 0: pair, 1: key = "", index } of text.matchAll(/(?<=^|[?&;,\s])([^?&;,=\s]+)\s*=/g)) {
    if (namesSecret(key)) return index + pair.length;
  }
  return undefined;
}
