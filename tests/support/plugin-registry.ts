import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import type { Manifest } from "../../core/contract/plugin.ts";
import type { About } from "../../core/plugin/author/about.ts";
import { pack } from "../../core/plugin/author/pack.ts";
import { writeIndex } from "../../core/plugin/author/publish.ts";
import { publicText, type SigningKey } from "../../core/plugin/author/signing.ts";
import type { PluginEntry } from "../../core/plugin/catalogue.ts";
import { tempFolder } from "./binary.ts";
import { installTinyPlugin } from "./tiny-plugin.ts";

/** A registry's folder on disk with a key of its own. */
export interface TestRegistry {
  readonly folder: string;
  /** What `plugins.keys` must hold for it. */
  readonly keys: string;
  /** The environment of a tidegate that uses it. */
  env(place?: string): Record<string, string>;
  /** Packs one archive of the tiny driver, which serves `tiny:` unless told otherwise. */
  pack(
    about?: Partial<About>,
    change?: { readonly platform?: string; readonly manifest?: Partial<Manifest>; readonly ballast?: number },
  ): PluginEntry;
  /** Signs an index of these archives, by another key when one is given. */
  publish(entries: readonly PluginEntry[], serial?: number, key?: SigningKey): void;
}

export function newKey(name: string): SigningKey {
  return { name, key: generateKeyPairSync("ed25519").privateKey };
}

let tinyCode: Uint8Array | undefined;

function tiny(): Uint8Array {
  tinyCode ??= readFileSync(join(installTinyPlugin(tempFolder()), "index.js"));
  return tinyCode;
}

export function createTestRegistry(): TestRegistry {
  const folder = join(tempFolder(), "registry");
  mkdirSync(folder);
  const own = newKey("tester");
  return {
    folder,
    keys: publicText(own),
    env: (place = folder) => ({ TIDEGATE_PLUGIN_REGISTRY: place, TIDEGATE_PLUGINS_KEYS: publicText(own) }),
    pack(about = {}, { platform = "any", manifest = {}, ballast = 0 } = {}) {
      const whole: About = {
        name: "tiny",
        version: "1.0.0",
        schemes: ["tiny"],
        needs: { network: true, env: ["TINY"] },
        title: "Tiny",
        ...about,
      };
      const files = new Map([["index.js", tiny()], ...(ballast > 0 ? [["native/ballast.bin", randomBytes(ballast)] as const] : [])]);
      const { entry, archive } = pack(whole, { platform, files }, manifest);
      writeFileSync(join(folder, entry.file), archive);
      return entry;
    },
    publish: (entries, serial = 1, key = own) => void writeIndex(folder, entries, serial, key),
  };
}

/** A static file server on the loopback that can be told to misbehave. */
export async function serveFolder(
  folder: string,
  misbehave: (request: IncomingMessage, response: ServerResponse) => boolean = () => false,
) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const name = basename(new URL(request.url ?? "/", "http://x").pathname);
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    asked.push(from > 0 ? `${name}@${from}` : name);
    if (misbehave(request, response)) return;
    const path = join(folder, name);
    if (!existsSync(path)) return void response.writeHead(404).end();
    const bytes = readFileSync(path);
    const range = from > 0 ? { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {};
    response.writeHead(from > 0 ? 206 : 200, { "content-length": bytes.length - from, ...range }).end(bytes.subarray(from));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
