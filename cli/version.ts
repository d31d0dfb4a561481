import manifest from "../package.json" with { type: "json" };

declare const TIDEGATE_VERSION: string | undefined;

/** The version the build baked in, or that of package.json when run from source. */
export const version: string = typeof TIDEGATE_VERSION === "string" ? TIDEGATE_VERSION : manifest.version;
