/** The public keys of whoever built this binary, as `name:base64`; the build puts them here. From source there are none. */
declare const TIDEGATE_PLUGIN_KEYS: string | undefined;

/** The keys a registry may be signed with when the configuration adds none, parted by spaces. */
export const builtInKeys: string = typeof TIDEGATE_PLUGIN_KEYS === "string" ? TIDEGATE_PLUGIN_KEYS : "";
