import type { SshConfig } from "../../config/config.ts";
import type { Endpoint } from "../../contract/driver.ts";
import type { Diagnosis } from "../../contract/problem.ts";
import { Problem, problem } from "../../problem.ts";

type Reading = Omit<Diagnosis, "message"> & { readonly why: string };

/** Reads why a tunnel did not come to stand, from what `ssh` wrote before it ended. */
export function tunnelProblem(ssh: SshConfig, said: string, code: number | null): Problem {
  const found = readings.find(([pattern]) => pattern.test(said))?.[1];
  const { why, ...rest } = found?.(ssh, said) ?? unread(said, code);
  return new Problem({ ...rest, message: `Cannot open the SSH tunnel over "${route(ssh)}": ${why}` });
}

/** Reads why the far end refused what was sent through a tunnel that stands; `undefined` when it did not. */
export function refusedAtFarEnd(ssh: SshConfig, said: string, to: Endpoint): Problem | undefined {
  const why = [...said.matchAll(/open failed: (.*)/g)].at(-1)?.[1]?.trim();
  if (why === undefined) return undefined;
  const goal = "path" in to ? to.path : `${to.host}:${to.port}`;
  if (why.startsWith("administratively prohibited")) {
    return new Problem({
      code: "CONNECTION_FAILED",
      message: `SSH host "${ssh.host}" does not allow a tunnel to "${goal}"`,
      hint: "Have AllowTcpForwarding and PermitOpen of its sshd allow it, or use another host",
      retryable: false,
    });
  }
  const reason = why.replace(/^connect failed: /, "");
  return problem(
    "CONNECTION_FAILED",
    `Cannot reach "${goal}" from SSH host "${ssh.host}": ${reason}`,
    "Check host and port of the target as that host sees them",
  );
}

/** The hosts in their order, as a person would say them. */
export function route({ jump, host }: SshConfig): string {
  return jump === undefined ? host : `${jump},${host}`;
}

const readings: readonly (readonly [RegExp, (ssh: SshConfig, said: string) => Reading])[] = [
  [
    /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    (_, said) => {
      const name = /host key for (\S+) has changed/i.exec(said)?.[1] ?? "the host";
      const file = /Offending .* key in (.+):\d+/.exec(said)?.[1]?.trim();
      return {
        code: "CONNECTION_FAILED",
        why: `the key of "${name}" is not the one that is known, so it may be another machine`,
        hint: `Ask whoever runs it; only if the change was meant: ssh-keygen -R "${name}"${file === undefined ? "" : ` -f "${file}"`}`,
        retryable: false,
      };
    },
  ],
  [
    /Host key verification failed/,
    (ssh) => ({
      code: "CONNECTION_FAILED",
      why: `the key of ${ssh.jump === undefined ? `"${ssh.host}"` : "a host on the way"} is not known yet`,
      hint: `Connect once by hand and compare the key: ${byHand(ssh)}`,
      retryable: false,
    }),
  ],
  [
    /Could not resolve hostname (\S+):/,
    (_, said) => ({
      code: "CONNECTION_FAILED",
      why: `no host is named "${/Could not resolve hostname (\S+):/i.exec(said)?.[1]}"`,
      hint: "Check ssh.host and ssh.jump, and the network",
      retryable: false,
    }),
  ],
  [
    /connect to (?:host|address) (\S+) port (\d+): (.+)/,
    (_, said) => {
      const [, name, port, why = ""] = /connect to (?:host|address) (\S+) port (\d+): (.+)/.exec(said) ?? [];
      const reason = why.trim().replace(/^./, (first) => first.toLowerCase());
      return { code: "CONNECTION_FAILED", why: `"${name}" port ${port}: ${reason}`, hint: "Check ssh.host, ssh.port and the network" };
    },
  ],
  [
    /Load key "(.+)": (.+)/,
    (_, said) => {
      const [, file, why = ""] = /Load key "(.+)": (.+)/.exec(said) ?? [];
      return {
        code: "CREDENTIALS_REJECTED",
        why: `the key file "${file}" cannot be used (${why.trim()})`,
        hint: `Name a private key in ssh.identity that nobody but you may read: chmod 600 ${file}`,
      };
    },
  ],
  [
    /Permission denied|Too many authentication failures|No more authentication methods/,
    (ssh, said) => ({
      code: "CREDENTIALS_REJECTED",
      why: `${/^(\S+@\S+): Permission denied/m.exec(said)?.[1] ?? "a host on the way"} accepted no key of yours`,
      hint: `Name the right key in ssh.identity; one with a passphrase goes into the agent first: ssh-add ${ssh.identity ?? ""}`.trim(),
    }),
  ],
  [
    /open failed: (.+)\s+.*stdio forwarding failed/,
    (_, said) => ({
      code: "CONNECTION_FAILED",
      why: `a host on the way cannot reach the next one: ${/open failed: (?:connect failed: )?(.+)/.exec(said)?.[1]?.trim()}`,
      hint: "Check ssh.jump and ssh.host as that host sees them",
    }),
  ],
  [
    /kex_exchange_identification|Connection (?:closed|reset|timed out)|Connection to \S+ timed out|banner exchange/,
    () => ({
      code: "CONNECTION_FAILED",
      why: "a host on the way closed the connection, or did not answer in time",
      hint: "Check that SSH listens at ssh.host and ssh.port, and try again",
    }),
  ],
  [
    /Bad owner or permissions on (\S+)|Bad configuration option|terminating, \d+ bad/,
    (_, said) => ({
      code: "CONFIG_INVALID",
      why: `the configuration of ssh cannot be used (${said.trim().split("\n")[0]})`,
      hint: "Correct ~/.ssh/config",
    }),
  ],
  [
    /ssh: not found|ssh: command not found/,
    () => ({
      code: "UNSUPPORTED",
      why: "ssh is not installed",
      hint: "Install OpenSSH's client, for example: apt-get install openssh-client",
    }),
  ],
];

function unread(said: string, code: number | null): Reading {
  const last = said.trim().split("\n").at(-1)?.trim();
  const why = last === undefined || last === "" ? `ssh ended with exit code ${code}` : `ssh says: ${last.slice(0, 200)}`;
  return { code: "CONNECTION_FAILED", why, hint: "Try the same with ssh by hand" };
}

function byHand({ jump, user, port, host }: SshConfig): string {
  const way = jump === undefined ? "" : `-J ${jump} `;
  return `ssh ${way}${port === undefined ? "" : `-p ${port} `}${user === undefined ? "" : `${user}@`}${host}`;
}
