import { join } from "node:path";
import type { SshConfig } from "../../config/config.ts";
import type { Endpoint } from "../../contract/driver.ts";

/**
 * Ends `ssh` when whoever started it is gone, however that came about: the shell waits for the end of its standard
 * input, which nothing else holds open. `ssh` itself would stay, because it reads nothing. `$0` is the tunnel's folder,
 * which nobody else would remove then.
 */
const supervised =
  'exec 3<&0 </dev/null; ssh "$@" 3<&- & ssh=$!; { read -r _ <&3; kill "$ssh"; } 2>/dev/null & wait "$ssh"; code=$?; kill $! 2>/dev/null; rm -rf -- "$0"; exit "$code"';

/** The program and its arguments that forward the unix socket `s` in `folder` to `to`; `config` in it holds `configText`. */
export function sshCommand(ssh: SshConfig, { folder, to }: { readonly folder: string; readonly to: Endpoint }): string[] {
  const { host, user, port, jump } = ssh;
  const goal = "path" in to ? to.path : `${to.host.includes(":") ? `[${to.host}]` : to.host}:${to.port}`;
  const options = [
    ["-F", join(folder, "config")],
    ["-N"],
    // Runs once the forward listens: the sign that the tunnel stands. No jump may inherit it.
    ["-o", "PermitLocalCommand=yes", "-o", "LocalCommand=echo ready"],
    ["-L", `${join(folder, "s")}:${goal}`],
    ...(port === undefined ? [] : [["-p", String(port)]]),
    ...(user === undefined ? [] : [["-l", user]]),
    ...(jump === undefined ? [] : [["-J", jump]]),
  ].flat();
  return ["/bin/sh", "-c", supervised, folder, ...options, "--", host.replace(/^\[|\]$/g, "")];
}

/** Settings for every host on the way; the first word wins, and where we say nothing the person's own configuration does. */
export function configText({ identity, agent, knownHosts }: SshConfig): string {
  const lines = [
    "BatchMode yes",
    "ExitOnForwardFailure yes",
    "StreamLocalBindUnlink yes",
    "ControlMaster no",
    "ControlPath none",
    "ForwardAgent no",
    "ConnectTimeout 15",
    "ServerAliveInterval 5",
    "ServerAliveCountMax 3",
    "LogLevel INFO",
    ...(identity === undefined ? [] : [`IdentityFile ${quoted(identity)}`, "IdentitiesOnly yes"]),
    ...(agent === undefined ? [] : [`IdentityAgent ${agent === "none" ? agent : quoted(agent)}`]),
    ...(knownHosts === undefined ? [] : [`UserKnownHostsFile ${quoted(knownHosts)}`]),
    "Include ~/.ssh/config",
    "Include /etc/ssh/ssh_config",
  ];
  return `${lines.join("\n")}\n`;
}

/** `%` begins a token for `ssh`. */
function quoted(path: string): string {
  return `"${path.replaceAll("%", "%%")}"`;
}
