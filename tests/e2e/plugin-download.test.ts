import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, request as forward } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { basename, join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { binary, privateEnvironment, tempFolder, tidegate } from "../support/binary.ts";
import { createTestRegistry, serveFolder } from "../support/plugin-registry.ts";

const ballast = 3_000_000;

/** Sends the first half of the first archive that is asked for, then does as told. */
function halfOfArchive(folder: string, then: (end: () => void) => void) {
  let done = false;
  return (...[request, response]: Parameters<NonNullable<Parameters<typeof serveFolder>[1]>>): boolean => {
    if (done || !request.url?.endsWith(".tgz")) return false;
    done = true;
    const bytes = readFileSync(join(folder, basename(request.url)));
    response.writeHead(200, { "content-length": bytes.length });
    response.write(bytes.subarray(0, bytes.length / 2));
    then(() => response.destroy());
    return true;
  };
}

function contentOf(cwd: string): string[] {
  const folder = join(cwd, "data/plugins");
  return existsSync(folder) ? readdirSync(folder) : [];
}

describe("installing from a server", () => {
  it("continues a download that broke off", async () => {
    const registry = createTestRegistry();
    registry.publish([registry.pack({}, { ballast })]);
    await using server = disposable(
      await serveFolder(
        registry.folder,
        halfOfArchive(registry.folder, (end) => setTimeout(end, 300)),
      ),
    );
    const cwd = tempFolder();
    const { code, stderr } = await tidegate(["plugin", "install", "tiny"], { cwd, env: registry.env(server.url) });
    assert.equal(code, 0, stderr);
    assert.match(server.asked.at(-1) ?? "", /^tiny-1\.0\.0-any\.tgz@\d{6,}$/);
    assert.deepEqual(contentOf(cwd), ["tiny"]);
  });

  it("leaves nothing that would be loaded when it is killed, and goes on where it was", async () => {
    const registry = createTestRegistry();
    registry.publish([registry.pack({}, { ballast })]);
    await using server = disposable(
      await serveFolder(
        registry.folder,
        halfOfArchive(registry.folder, () => undefined),
      ),
    );
    const cwd = tempFolder();
    const env = { ...privateEnvironment(cwd), ...registry.env(server.url) };
    const child = spawn(binary, ["plugin", "install", "tiny"], { cwd, env, stdio: "ignore" });
    const gone = new Promise((ended) => child.on("close", ended));
    while (!server.asked.some((name) => name.endsWith(".tgz")) || contentOf(cwd).length === 0)
      await new Promise((wait) => setTimeout(wait, 20));
    await new Promise((wait) => setTimeout(wait, 200));
    child.kill("SIGKILL");
    await gone;
    assert.match((await tidegate(["query", "tiny:x", "select 1"], { cwd, env })).stderr, /The driver for "tiny:" is not installed/);
    const again = await tidegate(["plugin", "install", "tiny"], { cwd, env });
    assert.equal(again.code, 0, again.stderr);
    assert.match(server.asked.at(-1) ?? "", /^tiny-1\.0\.0-any\.tgz@\d{6,}$/);
    assert.deepEqual(contentOf(cwd), ["tiny"]);
  });

  it("clears away what was interrupted so long ago that nobody comes back for it", async () => {
    const registry = createTestRegistry();
    registry.publish([registry.pack()]);
    const cwd = tempFolder();
    const plugins = join(cwd, "data/plugins");
    mkdirSync(plugins, { recursive: true });
    const part = (digit: string) => `.part-${digit.repeat(64)}~elsewhere~1~abcd`;
    for (const digit of ["a", "b"]) writeFileSync(join(plugins, part(digit)), "half");
    utimesSync(join(plugins, part("a")), 0, 0);
    assert.equal((await tidegate(["plugin", "install", "tiny"], { cwd, env: registry.env() })).code, 0);
    assert.deepEqual(readdirSync(plugins).sort(), [part("b"), "tiny"]);
  });

  it("tries again after a server error, and gives up with the next step", async () => {
    const registry = createTestRegistry();
    registry.publish([registry.pack()]);
    let failures = 2;
    const failing = (_: unknown, response: { writeHead(code: number): { end(): void } }) => {
      if (failures-- <= 0) return false;
      response.writeHead(503).end();
      return true;
    };
    await using server = disposable(await serveFolder(registry.folder, failing));
    assert.equal((await tidegate(["plugin", "install", "tiny"], { env: registry.env(server.url) })).code, 0);
    failures = 100;
    const { code, stderr } = await tidegate(["plugin", "install", "tiny"], { env: registry.env(server.url) });
    assert.match(stderr, /^Error: The plugin registry answered 503 to http:.*index\.json\nTry: Try again later, or name another registry/);
    assert.equal(code, 6);
  });

  it("uses the index it knows when the server is gone", async () => {
    const registry = createTestRegistry();
    registry.publish([registry.pack()]);
    const cwd = tempFolder();
    const server = await serveFolder(registry.folder);
    const run = (args: readonly string[]) => tidegate(args, { cwd, env: registry.env(server.url) });
    await run(["plugin", "install", "tiny"]);
    await server.close();
    const { code, stdout, stderr } = await run(["plugin", "install", "tiny"]);
    assert.deepEqual([code, stdout], [0, "tiny  1.0.0 is already installed\n"]);
    assert.match(stderr, /Cannot reach the plugin registry at 127\.0\.0\.1:\d+: ECONNREFUSED; using its index of 1970/);
  });

  it("is safe for many processes at once, of several versions", async () => {
    const registry = createTestRegistry();
    registry.publish([registry.pack({}, { ballast: 200_000 }), registry.pack({ version: "2.0.0" }, { ballast: 200_000 })]);
    await using server = disposable(await serveFolder(registry.folder));
    const cwd = tempFolder();
    const install = (version: string) => tidegate(["plugin", "install", `tiny@${version}`], { cwd, env: registry.env(server.url) });
    const outcomes = await Promise.all(["1.0.0", "2.0.0", "1.0.0", "2.0.0", "1.0.0", "2.0.0"].map(install));
    assert.deepEqual(
      outcomes.map(({ code }) => code),
      [0, 0, 0, 0, 0, 0],
      outcomes.map(({ stderr }) => stderr).join(""),
    );
    assert.deepEqual(contentOf(cwd), ["tiny"]);
    assert.equal((await tidegate(["plugin", "verify"], { cwd, env: registry.env(server.url) })).code, 0);
  });

  it("leaves nothing behind when the disk is full", async (test) => {
    const cwd = tempFolder();
    const data = join(cwd, "data");
    mkdirSync(data);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", data], { stdio: "ignore" });
    } catch {
      return test.skip("only root can mount a small disk");
    }
    try {
      const registry = createTestRegistry();
      registry.publish([registry.pack({}, { ballast })]);
      const { code, stderr } = await tidegate(["plugin", "install", "tiny"], { cwd, env: registry.env() });
      assert.match(stderr, /Cannot install into ".*plugins": no space is left\nTry: Free disk space/);
      assert.deepEqual([code, contentOf(cwd)], [3, []]);
    } finally {
      execFileSync("umount", [data]);
    }
  });
});

describe("the way to the registry", () => {
  it("goes through the proxy that the environment names", async () => {
    const registry = createTestRegistry();
    registry.publish([registry.pack()]);
    await using server = disposable(await serveFolder(registry.folder));
    const seen: string[] = [];
    const proxy = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? "/", "http://x");
      seen.push(request.url ?? "");
      forward(`${server.url}${pathname}`, (answer) => answer.pipe(response.writeHead(answer.statusCode ?? 500))).end();
    });
    await new Promise<void>((listening) => proxy.listen(0, "127.0.0.1", listening));
    const env = { ...registry.env("http://plugins.invalid/v1"), HTTP_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
    const { code, stderr } = await tidegate(["plugin", "install", "tiny"], { env });
    proxy.close();
    assert.equal(code, 0, stderr);
    assert.equal(seen[0], "http://plugins.invalid/v1/index.json");
  });

  it("trusts the certificate that NODE_EXTRA_CA_CERTS names, and no other", async (test) => {
    const registry = createTestRegistry();
    registry.publish([registry.pack()]);
    const served = await serveSecurely(registry.folder, "localhost");
    if (served === undefined) return test.skip("there is no openssl to make a certificate with");
    await using server = disposable(served);
    const env = registry.env(`https://localhost:${server.port}`);
    const refused = await tidegate(["plugin", "install", "tiny"], { env });
    assert.match(refused.stderr, /Cannot reach the plugin registry at localhost:\d+: \w*(CERT|SIGNED)\w*\nTry: Name the certificate file/);
    const { code, stderr } = await tidegate(["plugin", "install", "tiny"], { env: { ...env, NODE_EXTRA_CA_CERTS: server.certificate } });
    assert.equal(code, 0, stderr);
  });

  it("goes through a proxy that only connects, and stays sealed on the way", async (test) => {
    const registry = createTestRegistry();
    registry.publish([registry.pack()]);
    const served = await serveSecurely(registry.folder, "plugins.invalid");
    if (served === undefined) return test.skip("there is no openssl to make a certificate with");
    await using server = disposable(served);
    const asked: string[] = [];
    const proxy = createServer((_, response) => void response.writeHead(400).end());
    proxy.on("connect", (request, client: Socket) => {
      asked.push(`${request.url} ${request.headers["proxy-authorization"]}`);
      const far = connect(server.port, "127.0.0.1", () => {
        client.write("HTTP/1.1 200 Connection established\r\n\r\n");
        far.pipe(client).pipe(far);
      });
      for (const end of [client, far]) end.on("error", () => undefined);
    });
    await new Promise<void>((listening) => proxy.listen(0, "127.0.0.1", listening));
    const { port } = proxy.address() as AddressInfo;
    const env = { ...registry.env("https://plugins.invalid/v1"), NODE_EXTRA_CA_CERTS: server.certificate };
    const install = (way: string) => tidegate(["plugin", "install", "tiny"], { env: { ...env, HTTPS_PROXY: way } });
    const { code, stderr } = await install(`http://ann:open%20sesame@127.0.0.1:${port}`);
    assert.equal(code, 0, stderr);
    assert.equal(asked[0], `plugins.invalid:443 Basic ${Buffer.from("ann:open sesame").toString("base64")}`);
    proxy.closeAllConnections();
    proxy.close();
    const gone = await install(`http://ann:open%20sesame@127.0.0.1:${port}`);
    assert.equal(gone.code, 6, gone.stderr);
    assert.match(gone.stderr, /Cannot reach the plugin registry at plugins\.invalid: .*\nTry: Check the network and HTTPS_PROXY/);
    assert.doesNotMatch(gone.stderr, /sesame/);
  });

  it("may be a file:// address, whatever characters the folder has", async () => {
    const registry = createTestRegistry();
    registry.publish([registry.pack()]);
    const folder = join(tempFolder(), "plug ins #1 50% ü");
    cpSync(registry.folder, folder, { recursive: true });
    const cwd = tempFolder();
    const env = registry.env(pathToFileURL(folder).href);
    const { code, stderr } = await tidegate(["plugin", "install", "tiny"], { cwd, env });
    assert.equal(code, 0, stderr);
    assert.deepEqual(contentOf(cwd), ["tiny"]);
    const missing = await tidegate(["plugin", "install", "tiny"], { env: registry.env("file:///no/such/folder") });
    assert.match(missing.stderr, /^Error: The registry "\/no\/such\/folder" has no "index\.json"\nTry: Name a folder or address/);
    assert.equal(missing.code, 3);
  });

  it("is refused in words when it cannot be read as an address", async () => {
    const registry = createTestRegistry();
    for (const place of ["file://elsewhere/folder", "file:///a%2Fb", "https://", "ftp://example.com/v1", "http://me:50%@127.0.0.1:1"]) {
      const { code, stderr } = await tidegate(["plugin", "install", "tiny"], { env: registry.env(place) });
      assert.ok(code === 2 || code === 3, `${place}: ${stderr}`);
      assert.match(stderr, /^Error: .+\nTry: /, place);
    }
  });
});

/** A registry's folder over TLS, by a name that only its own certificate vouches for. */
async function serveSecurely(registry: string, name: string) {
  const folder = tempFolder();
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
  try {
    execFileSync(
      "openssl",
      ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", certificate, ...subject],
      {
        stdio: "ignore",
      },
    );
  } catch {
    return undefined;
  }
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (request, response) => {
    response.end(readFileSync(join(registry, basename(request.url ?? ""))));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    port: (server.address() as AddressInfo).port,
    certificate,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

function disposable<Thing extends { close(): Promise<void> }>(thing: Thing): Thing & AsyncDisposable {
  return Object.assign(thing, { [Symbol.asyncDispose]: () => thing.close() });
}
