import type { MaskForm } from "../../contract/analysis.ts";

/** From what tells nothing to what tells some. */
const order = ["null", "redact", "hash", "partial"] as const;

/** The mask that holds when several are asked for. Two different expressions become `redact`, because neither is known to hide what the other does. */
export function strictest(forms: readonly MaskForm[]): MaskForm | undefined {
  const [first] = forms;
  if (first === undefined) return undefined;
  const plain = order.find((form) => forms.includes(form));
  if (plain === undefined) return forms.every((form) => sqlOf(form) === sqlOf(first)) ? first : "redact";
  const expressions = forms.some((form) => typeof form !== "string");
  // How much an expression tells is not known, so beside a weak mask neither is good enough.
  return expressions && (plain === "hash" || plain === "partial") ? "redact" : plain;
}

const sqlOf = (form: MaskForm): string => (typeof form === "string" ? form : form.sql);
