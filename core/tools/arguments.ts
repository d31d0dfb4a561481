import { z } from "zod";

export const sqlArgument = z.string().min(1);

/** Values for `?`, `$1` or `:name` placeholders, in order. */
export const paramsArgument = z.array(z.union([z.null(), z.boolean(), z.number(), z.string()])).optional();

interface ConnectionArgument {
  readonly connection: z.ZodType<string | undefined>;
}

/** A choice among the connections; absent when there is none to make, since every argument costs every caller. */
export function connectionArgument(connections: readonly string[], needed: "required" | "optional" = "required"): ConnectionArgument {
  const [first, ...others] = connections;
  // With one connection the key is absent, and an absent key reads as undefined: the type holds either way.
  if (first === undefined || others.length === 0) return {} as ConnectionArgument;
  const choice = z.enum([first, ...others]);
  return { connection: needed === "required" ? choice : choice.optional() };
}
