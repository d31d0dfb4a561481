import { resolve } from "node:path";

/** How a database is reached through other machines. `ssh` of the system does the work, so its own configuration holds too. */
export interface SshConfig {
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
  /** Hosts on the way, the nearest first, as `user@host:port` with commas between. */
  readonly jump?: string;
  /** The private key's file. */
  readonly identity?: string;
  /** The agent's socket instead of the usual one, or `none`. */
  readonly agent?: string;
  /** The file of known hosts instead of the usual ones. */
  readonly knownHosts?: string;
}

/** `ssh` as it is written: `user@host:port`, or a map. */
export type SshInput = string | SshKeys;

export interface SshKeys {
  readonly host: string;
  readonly user?: string | undefined;
  readonly port?: number | undefined;
  readonly jump?: string | undefined;
  readonly identity?: string | undefined;
  readonly agent?: string | undefined;
  readonly knownHosts?: string | undefined;
}

const user = "[A-Za-z0-9_][A-Za-z0-9_.+-]*";
const host = "(?:[A-Za-z0-9_][A-Za-z0-9_.-]*|\\[[0-9A-Fa-f:.]+\\])";

/** Nothing here can be read as an option by `ssh`, or as more than a name by the shell it starts for a jump. */
export const sshForms = {
  host: new RegExp(`^${host}$`),
  user: new RegExp(`^${user}$`),
  hop: new RegExp(`^(?:(${user})@)?(${host})(?::(\\d{1,5}))?$`),
  /** `ssh` reads quotes and line ends in its configuration. */
  path: /^[^"\\\p{Cc}]+$/u,
} as const;

/** Reads what the schema let through; relative paths start at the folder of the file. */
export function readSsh(input: SshInput, { folder, home }: { readonly folder: string; readonly home?: string | undefined }): SshConfig {
  if (typeof input === "string") {
    const [, name, machine = input, port] = sshForms.hop.exec(input) ?? [];
    return { host: machine, ...(name !== undefined && { user: name }), ...(port !== undefined && { port: Number(port) }) };
  }
  const path = (text: string) => resolve(folder, home !== undefined && text.startsWith("~/") ? `${home}${text.slice(1)}` : text);
  const { host, user, port, jump, identity, agent, knownHosts } = input;
  return {
    host,
    ...(user !== undefined && { user }),
    ...(port !== undefined && { port }),
    ...(jump !== undefined && { jump }),
    ...(identity !== undefined && { identity: path(identity) }),
    ...(agent !== undefined && { agent: agent === "none" ? agent : path(agent) }),
    ...(knownHosts !== undefined && { knownHosts: path(knownHosts) }),
  };
}
