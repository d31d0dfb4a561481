import { z } from "zod";
import { field } from "./fields.ts";
import { sshForms } from "./ssh.ts";

const wantedHost = "a host's name, or one of ~/.ssh/config";
const wantedHop = "a host as user@host:port, where only the host is needed";
const wantedWay = "hosts as user@host:port, with commas between, where only the host is needed";

const matching = (form: RegExp, wanted: string, description: string) =>
  field((written) => (typeof written === "string" && form.test(written) ? written : undefined), wanted, { type: "string", description });

const isPort = (port: number) => Number.isInteger(port) && port >= 1 && port <= 65_535;
const readHop = (written: unknown) => {
  const [, , host, port = "22"] = sshForms.hop.exec(String(written)) ?? [];
  return typeof written === "string" && host !== undefined && isPort(Number(port)) ? written : undefined;
};
const hop = (description: string) => field(readHop, wantedHop, { type: "string", description });
const path = (description: string) => matching(sshForms.path, 'a path without " and \\', description);

const keys = z.strictObject({
  host: matching(sshForms.host, wantedHost, "The machine that reaches the database, by its name or one of ~/.ssh/config"),
  user: matching(sshForms.user, "a user's name", "The user there").optional(),
  port: field(
    (written) => (typeof written !== "boolean" && isPort(Number(written)) ? Number(written) : undefined),
    "a port from 1 to 65535",
    { type: ["integer", "string"], description: "The port of its SSH server (default: 22)" },
  ).optional(),
  jump: field((written) => (typeof written === "string" && written.split(",").every(readHop) ? written : undefined), wantedWay, {
    type: "string",
    description: "Machines on the way, the nearest first",
  }).optional(),
  identity: path("The file of a private key; one with a passphrase goes into the agent").optional(),
  agent: path('The agent\'s socket instead of $SSH_AUTH_SOCK, or "none"').optional(),
  knownHosts: path("The file of known hosts instead of ~/.ssh/known_hosts").optional(),
});

/** `ssh` of a connection: one host, or a map with more about the way. */
export const sshSchema = z
  .union([hop("The machine that reaches the database, as user@host:port"), keys])
  .describe("Reaches the database over SSH, with the system's ssh and its configuration");

export const sshKeys: readonly string[] = Object.keys(keys.shape);
