/** How many tests of a run did which. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface Case {
  readonly name: string;
  readonly outcome: keyof Counts;
}

/** Reads the cases of a JUnit report of Bun or Deno, each by its whole name: Bun gives the groups it is in apart, innermost first. */
export function readCases(report: string): Case[] {
  const isDeno = report.includes('<testsuites name="deno test"');
  const cases = [...report.matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)].map(([, attributes = "", body = ""]) => {
    const groups = isDeno ? [] : attribute(attributes, "classname").split(" > ").filter(Boolean).toReversed();
    return { name: [...groups, attribute(attributes, "name")].join(" > "), outcome: outcomeOf(body) };
  });
  return isDeno ? withoutGroups(cases) : cases;
}

export function countCases(cases: readonly Case[]): Counts {
  const count = (wanted: keyof Counts) => cases.filter(({ outcome }) => outcome === wanted).length;
  return { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
}

function outcomeOf(body: string): keyof Counts {
  if (/<(failure|error)\b/.test(body)) return "failed";
  return /<skipped\b/.test(body) ? "skipped" : "passed";
}

function attribute(attributes: string, name: string): string {
  const text = new RegExp(`(?:^| )${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
  const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_, entity: string) => entities[entity] ?? "");
}

/** Deno reports every `describe` as a case beside the cases inside it, whose names begin with its own. */
function withoutGroups(cases: readonly Case[]): Case[] {
  const separator = " > ";
  const outer = (name: string) => name.split(separator).map((_, depth, parts) => parts.slice(0, depth).join(separator));
  const groups = new Set(cases.flatMap(({ name }) => outer(name)));
  return cases.filter(({ name }) => !groups.has(name));
}
