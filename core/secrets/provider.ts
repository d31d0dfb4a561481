/** Where a secret is looked for, and what the search may use. */
export interface Source {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A relative path starts here, and a command runs here. */
  readonly folder: string;
  readonly home?: string | undefined;
  readonly signal: AbortSignal;
  /** Told once of anything that makes a secret less safe than it looks. */
  readonly warn: (message: string) => void;
}

/** One way to keep a secret out of the configuration; `name` is what a reference says behind the colon. */
export interface Provider {
  /** How a name looks, for messages: `NAME`. */
  readonly form: string;
  accepts(name: string): boolean;
  /** The name as anyone may see it; absent means as it stands. */
  show?(name: string): string;
  /** Bytes end with the newline their writer gave them, a text is the secret itself. @throws SECRET_UNAVAILABLE */
  read(name: string, source: Source): Promise<string | Uint8Array>;
}

/** A secret is a password, a token or a key: more than this is something else. */
export const mostSecretBytes = 64 * 1024;
