import { writeFileSync } from "node:fs";
import type { Driver, Target } from "../../core/contract/driver.ts";
import type { GuardedEngine, Variant } from "./harness.ts";

/** One database of a server for each variant, where the harness has files: what it calls a path stands for one. */
export function serverEngine({ name, driver, state, target, fill }: ServerEngine): GuardedEngine {
  const places = new Map<string, Variant>();
  const variantOf = ({ location, options }: Target): Variant => {
    const told = [...places].find(([path]) => `${location}${JSON.stringify(options)}`.includes(path));
    if (told === undefined) throw new Error(`No database stands for "${location}"`);
    return told[1];
  };
  return {
    name,
    state,
    driver: () => ({ ...driver, connect: (asked, options) => driver.connect({ ...target(variantOf(asked)) }, options) }),
    async fill(path, variant) {
      places.set(path, variant);
      writeFileSync(path, "");
      fill(variant);
    },
  };
}

export interface ServerEngine {
  readonly name: string;
  readonly driver: Driver;
  readonly state: readonly string[];
  readonly target: (variant: Variant) => Target;
  readonly fill: (variant: Variant) => void;
}
