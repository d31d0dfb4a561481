import type { MaskForm } from "../../contract/analysis.ts";

/** How a column that looks personal had best be shown; `hidden` where nobody who reads data needs it. */
export interface Suspicion {
  readonly what: string;
  readonly how: Extract<MaskForm, string> | "hidden";
}

const part = (words: string): RegExp => new RegExp(`(?:^|_)(?:${words})(?:_|$)`);

/** In the order in which they are tried: the first that fits holds. */
const signs: readonly (readonly [RegExp, Suspicion])[] = [
  [
    part(
      "pass|passwd|password|passphrase|pwd|pin|otp|totp|mfa|secret|secrets|token|tokens|api_?key|private_?key|access_?key|salt|credential|credentials|cvv|cvc|session_?id|cookie|(?:password|token|secret|pw)_?(?:hash|digest)",
    ),
    { what: "a secret", how: "hidden" },
  ],
  [part("e_?mail|mail|email_?address|e_?mail_?address"), { what: "an e-mail address", how: "partial" }],
  [part("phone|telephone|tel|mobile|cell|cellphone|fax|msisdn|phone_?(?:no|number)"), { what: "a telephone number", how: "partial" }],
  [
    part(
      "ssn|sin|nin|social_?security|national_?id|passport|id_?card|tax_?id|tin|vat_?id|driver_?licen[cs]e|licen[cs]e_?(?:no|number)|personnummer|cpf|curp|aadhaar|nhs_?(?:no|number)",
    ),
    { what: "an official number", how: "redact" },
  ],
  [part("iban|bic|swift|routing|sort_?code|account_?(?:no|number)|bank_?account"), { what: "a bank account", how: "redact" }],
  [part("card|credit_?card|card_?(?:no|number)|pan|cc_?(?:no|num|number)"), { what: "a payment card", how: "redact" }],
  [part("birth|birthday|birthdate|dob|date_?of_?birth|born"), { what: "a date of birth", how: "null" }],
  [part("ip|ip_?addr|ip_?address|mac_?address|device_?id"), { what: "a device", how: "hash" }],
  [part("street|address|address_?line\\d?|addr|zip|zip_?code|postcode|postal_?code"), { what: "an address", how: "redact" }],
  [part("lat|latitude|lon|lng|longitude|geo|geolocation|location"), { what: "a place", how: "null" }],
  [
    part("first_?name|last_?name|full_?name|middle_?name|maiden_?name|given_?name|family_?name|surname|forename"),
    { what: "a person's name", how: "partial" },
  ],
  [
    part("gender|sex|religion|ethnicity|race|nationality|marital|diagnosis|blood_?type|disability|salary|income|wage"),
    { what: "something about a person that is nobody's business", how: "null" },
  ],
];

const people = part(
  "persons?|people|customers?|users?|employees?|contacts?|patients?|members?|staff|guests?|students?|clients?|leads?|subscribers?",
);

/** What the name of a column suggests, of a table with this name; `lastName`, `LAST-NAME` and `last_name` are one. */
export function suspicionOf(column: string, table: string): Suspicion | undefined {
  const name = words(column);
  if (/^(name|display_name)$/.test(name) && people.test(words(table))) return { what: "a person's name", how: "partial" };
  return signs.find(([sign]) => sign.test(name))?.[1];
}

const words = (name: string): string =>
  name
    .replace(/(\p{Ll}|\d)(\p{Lu})/gu, "$1_$2")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "_");
