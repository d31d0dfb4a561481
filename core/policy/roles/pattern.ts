/** Whether a name meets a glob of `*` and `?`. Case does not count: engines disagree about it, and a refusal must not depend on it. */
export type Matcher = (name: string) => boolean;

/** Matches any of the globs; without globs everything, also what has no name. */
export function matcher(globs: readonly string[] | undefined): (name: string | undefined) => boolean {
  if (globs === undefined) return () => true;
  const each = globs.map(one);
  return (name) => name !== undefined && each.some((matches) => matches(name));
}

function one(glob: string): Matcher {
  if (glob === "*") return () => true;
  const lower = glob.toLowerCase();
  if (!/[*?]/.test(glob)) return (name) => name.toLowerCase() === lower;
  const source = lower
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  const expression = new RegExp(`^${source}$`, "su");
  return (name) => expression.test(name.toLowerCase());
}

/** How exactly globs name something: literal characters, and more for a name without wildcards. */
export function exactness(globs: readonly string[] | undefined): number {
  if (globs === undefined) return 0;
  return Math.max(...globs.map((glob) => glob.replace(/[*?]/g, "").length + (/[*?]/.test(glob) ? 1 : 1000)));
}
