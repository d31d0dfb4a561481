import type { PolicyRule, Principal, QueryRequest, Verdict } from "../../contract/policy.ts";
import type { RolePolicy } from "./compile.ts";

/** Counts the calls of each principal under each of their roles. */
export interface RateRule extends PolicyRule {
  judge(request: Pick<QueryRequest, "principal">): Verdict;
}

/** A call costs one unit of time in credit, and every millisecond earns as many as the rate: whole numbers, which do not drift. */
interface Bucket {
  credit: number;
  readonly at: number;
}

const millisOf: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const words: Readonly<Record<string, string>> = { s: "second", m: "minute", h: "hour", d: "day" };
const mostBuckets = 10_000;

/** Refuses calls beyond `limits.rate` of any role. As many as the rate may come at once; after that they come at its pace. */
export function rateRule({ policy, now }: { readonly policy: () => RolePolicy | undefined; readonly now: () => number }): RateRule {
  const buckets = new Map<string, Bucket>();
  return {
    name: "rate",
    judge({ principal }) {
      const limited =
        policy()
          ?.permissions(principal)
          .entries.filter(({ entry }) => entry.limits?.rate !== undefined) ?? [];
      const asked = limited.map(({ role, entry }) => filled(buckets, principal, role, entry.limits?.rate ?? "", now()));
      const longest = asked.reduce((worst, one) => (one.waitMillis > worst.waitMillis ? one : worst), {
        waitMillis: 0,
        role: "",
        rate: "",
      });
      if (longest.waitMillis > 0) return tooMany(longest);
      // Only a call that passes every role is counted.
      for (const { bucket, cost } of asked) bucket.credit -= cost;
      return {};
    },
  };
}

function filled(buckets: Map<string, Bucket>, { id, via }: Principal, role: string, rate: string, at: number) {
  const [count = "1", unit = "m"] = rate.split("/");
  const most = Number(count);
  const cost = millisOf[unit] ?? 60_000;
  const key = JSON.stringify([via, id, role, rate]);
  const before = buckets.get(key) ?? { credit: most * cost, at };
  const bucket = { credit: Math.min(most * cost, before.credit + (at - before.at) * most), at };
  // The least recently used goes first, and is by then most likely full, as a new one is.
  buckets.delete(key);
  buckets.set(key, bucket);
  const [oldest] = buckets.keys();
  if (buckets.size > mostBuckets && oldest !== undefined) buckets.delete(oldest);
  return { bucket, cost, role, rate, waitMillis: Math.max(0, (cost - bucket.credit) / most) };
}

function tooMany({ role, rate, waitMillis }: { readonly role: string; readonly rate: string; readonly waitMillis: number }): Verdict {
  const [count = "", unit = ""] = rate.split("/");
  return {
    deny: {
      code: "RATE_LIMITED",
      message: `Role "${role}" allows ${count} ${count === "1" ? "call" : "calls"} a ${words[unit]}, and they are used up`,
      hint: `Try again in ${Math.ceil(waitMillis / 1000)} s`,
      rule: `role ${role}, limits.rate`,
    },
  };
}
