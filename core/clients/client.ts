/** The machine a client runs on, as far as its files depend on it. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/** How a client is told to start a server. */
export interface Entry {
  readonly command: string;
  readonly args: readonly string[];
}

/** A program that starts MCP servers, and where it reads which. */
export interface Client {
  readonly name: string;
  readonly title: string;
  readonly format: "json" | "toml";
  /** The key of its file that maps names to servers. */
  readonly section: string;
  /** What its entries say besides command and arguments. */
  readonly extra?: Readonly<Record<string, string>>;
  /** Its file for all projects; where there are several candidates, the first whose folder exists counts. */
  readonly files: (machine: Machine) => readonly [string, ...string[]];
  /** Whatever of these exists shows that the client is installed; the file's folder unless told otherwise. */
  readonly signs?: (machine: Machine) => readonly string[];
  /** Its file for one project, below the project's folder. */
  readonly projectFile?: string;
  /** What makes it read the file again. */
  readonly reload: string;
}
