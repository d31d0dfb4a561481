/** Orders versions as semver does: numbers by value, and `1.0.0-beta` before `1.0.0`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [split(a), split(b)];
  for (let i = 0; i < 3; i++) {
    const difference = (left.numbers[i] ?? 0) - (right.numbers[i] ?? 0);
    if (difference !== 0) return difference;
  }
  if (left.pre === right.pre) return 0;
  if (left.pre === "" || right.pre === "") return left.pre === "" ? 1 : -1;
  return left.pre.localeCompare(right.pre, "en", { numeric: true });
}

/** Orders versions by which of them people mean who name none: the highest, and one before a release only where there is no release. */
export function compareChoices(a: string, b: string): number {
  return Number(isRelease(a)) - Number(isRelease(b)) || compareVersions(a, b);
}

function isRelease(version: string): boolean {
  return split(version).pre === "";
}

function split(version: string): { readonly numbers: readonly number[]; readonly pre: string } {
  const [core = "", ...pre] = version.split("+", 1).join().split("-");
  return { numbers: core.split(".").map(Number), pre: pre.join("-") };
}
