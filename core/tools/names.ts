/** Every tool there is, also those that are not offered; what a policy may name. */
export const toolNames = ["query", "inspect", "analyze", "export", "explain", "execute"] as const;
