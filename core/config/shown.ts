import { namesSecret, redacted, redactTarget } from "../secrets/redact.ts";

/** A value as a message may quote it: the kind for what has parts, never anything that could be a secret. */
export function shown(value: unknown, path: readonly PropertyKey[], template?: string): string {
  if (typeof value === "string") {
    // The whole file is one text: it is another kind of file, and could be a list of passwords.
    if (path.length === 0) return "a text";
    if (path.some((key) => namesSecret(String(key)))) return redacted;
    return template === undefined ? quoted(redactTarget(value)) : `${quoted(redactTarget(template))} as filled in`;
  }
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "a map" : String(value);
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text);
}
