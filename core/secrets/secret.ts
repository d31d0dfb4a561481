import { inspect } from "node:util";
import type { Secret } from "../contract/driver.ts";
import { redacted } from "./redact.ts";

/** Keeps a text out of sight: it prints, serialises and inspects as "[secret]", and only `reveal()` gives it back. */
export function createSecret(text: string): Secret {
  const hidden = { value: () => redacted };
  return Object.freeze(
    Object.create(Object.prototype, {
      reveal: { value: () => text },
      toString: hidden,
      toJSON: hidden,
      [inspect.custom]: hidden,
      [Symbol.for("Deno.customInspect")]: hidden,
    }),
  );
}
