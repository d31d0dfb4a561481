import { z } from "zod";

export const accessLevels = ["none", "read", "write", "schema", "admin"] as const;
export const verbs = ["select", "insert", "update", "delete", "ddl", "admin"] as const;
export const maskForms = ["redact", "null", "hash", "partial"] as const;
export const confirms = ["required", "possible", "never"] as const;
const days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

const text = z.string().min(1);
const names = z
  .union([text, z.array(text).min(1)])
  .transform((given) => (typeof given === "string" ? [given] : given))
  .describe("A name or a list of names; * and ? are wildcards, case does not count");
const count = z.number().int().positive();
const millis = z.union([z.number().int().positive(), z.string().regex(/^\d+(ms|s|m|h)$/, 'wanted a duration such as "500ms" or "30s"')]);
const bytes = z.union([z.number().int().positive(), z.string().regex(/^\d+(B|KB|MB|GB)$/i, 'wanted a size such as "64KB" or "4MB"')]);

const places = {
  connection: names.optional(),
  schema: names.optional(),
  table: names.optional(),
  column: names.optional(),
};

const mask = z
  .union([z.enum(maskForms), z.null().transform(() => "null" as const), z.strictObject({ sql: text })])
  .describe("How the columns look: redact, null, hash, partial, or { sql: an expression over the columns of the row }");

const rule = z
  .strictObject({
    ...places,
    except: z.array(z.strictObject(places)).optional().describe("Where the rule does not hold"),
    access: z.enum(accessLevels).optional().describe("What may be done; none refuses, and a refusal beats every grant"),
    verbs: z.array(z.enum(verbs)).min(1).optional().describe("Only these, instead of all that the access holds"),
    mask: mask.optional(),
    where: text.optional().describe("Only rows that meet this condition exist; :principal.<name> stands for a value of the principal"),
    about: text.optional(),
  })
  .refine((given) => given.access !== undefined || given.verbs !== undefined || given.mask !== undefined || given.where !== undefined, {
    message: "the rule decides nothing: wanted access, verbs, mask or where",
  })
  .refine((given) => given.mask === undefined || given.column !== undefined, {
    message: "a mask needs the column it is for",
    path: ["mask"],
  })
  .refine((given) => given.where === undefined || given.column === undefined, {
    message: "a row filter is for a table, not for a column",
    path: ["where"],
  });

const limits = z.strictObject({
  rows: count.optional(),
  bytes: bytes.optional(),
  time: millis.optional(),
  rate: z
    .string()
    .regex(/^[1-9]\d*\/(s|m|h|d)$/, 'wanted calls per time, such as "60/m"')
    .optional(),
  cost: z.number().positive().optional(),
  joins: z.number().int().nonnegative().optional(),
  depth: count.optional(),
  relations: count.optional(),
  affectedRows: count.optional(),
});

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: name }) !== undefined;
  } catch {
    // This is how the runtime says that it knows no such zone.
    return false;
  }
}

const hours = z.strictObject({
  days: z.array(z.enum(days)).min(1).optional(),
  from: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'wanted a time such as "08:00"'),
  to: z.string().regex(/^([01]\d|2[0-4]):[0-5]\d$/, 'wanted a time such as "18:00"'),
  zone: text
    .refine(isZone, { message: 'wanted a time zone such as "Europe/Berlin"' })
    .optional()
    .describe("A time zone such as Europe/Berlin; UTC when absent"),
});

const role = z.strictObject({
  about: text.optional(),
  inherits: z.array(text).optional(),
  rules: z.array(rule).optional(),
  limits: limits.optional(),
  functions: z
    .strictObject({ allow: z.array(text).optional(), deny: z.array(text).optional() })
    .optional()
    .describe("Functions by name, schema.name or set (postgis)"),
  patterns: z.array(z.string().regex(/^[0-9a-f]{16}$/, "wanted a fingerprint of 16 hex digits")).optional(),
  tools: z.array(text).optional().describe("Only these tools"),
  files: z.boolean().optional().describe("False refuses exports to files"),
  hours: hours.optional(),
  whereRequired: z
    .boolean()
    .optional()
    .describe("An update or delete without a where is refused unless a role says false here; true of any role beats that"),
  confirm: z
    .enum(confirms)
    .optional()
    .describe("Whether a person has to agree to a write: required, possible (where the client can ask; the default) or never"),
});

const principal = z.strictObject({
  roles: z.array(text).optional(),
  groups: z.array(text).optional(),
  values: z.record(z.string().regex(/^\w+$/), z.union([z.string(), z.number()])).optional(),
});

/** One policy file. */
export const policySchema = z.strictObject({
  version: z.literal(1),
  roles: z.record(z.string().regex(/^[\w-]+$/, "a role is named with letters, digits, _ and -"), role).optional(),
  groups: z.record(text, z.array(text)).optional(),
  principals: z.record(text, principal).optional(),
  default: z.array(text).optional().describe("Roles of everybody who is not listed; without it they may do nothing"),
  casbin: z
    .strictObject({
      model: text.describe("The model's file, from this file's folder"),
      policy: text.describe("The policy's file, from this file's folder"),
      columns: z.boolean().optional().describe("True also asks for each column, as connection/schema/table/column"),
    })
    .optional()
    .describe("Casbin decides who may do what; roles then only narrow"),
  audit: z.strictObject({ sql: z.boolean().optional() }).optional().describe("sql: whether the audit keeps the text of statements"),
});

export type PolicyFile = z.infer<typeof policySchema>;
export type RoleEntry = z.infer<typeof role>;
export type RuleEntry = z.infer<typeof rule>;
export type Places = { readonly [Key in keyof typeof places]?: readonly string[] | undefined };
export type Access = (typeof accessLevels)[number];
export type Verb = (typeof verbs)[number];

/** The JSON Schema of a policy file, for editors. */
export const policyJsonSchema = (): object => ({
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "tidegate policy",
  ...z.toJSONSchema(policySchema, { io: "input" }),
});
