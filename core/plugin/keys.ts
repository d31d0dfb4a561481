/** The keys of whoever built this binary; the build puts them here. */
declare const TIDEGATE_PLUGIN_KEYS: string | undefined;

/** Public keys of the project's releases, as `name:base64`. */
const releaseKeys: readonly string[] = [];

/** The keys a registry may be signed with when the configuration adds none, parted by spaces. */
export const builtInKeys: string = [...releaseKeys, typeof TIDEGATE_PLUGIN_KEYS === "string" ? TIDEGATE_PLUGIN_KEYS : ""].join(" ").trim();
