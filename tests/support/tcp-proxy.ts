import { createServer, connect as dial, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

/** How bytes travel: each piece this late, and no more of them in a second. */
export interface Pace {
  readonly delayMillis: number;
  readonly bytesPerSecond: number;
}

/** A network between a client and a server on loopback, which can be made slow and broken. */
export interface TcpProxy {
  readonly port: number;
  /** Connections that go through it now. */
  readonly open: number;
  /** Bytes that reached clients so far. */
  readonly delivered: number;
  /** From now on; without a pace as fast as it goes. */
  pace(pace?: Pace): void;
  /** Passes nothing more and closes nothing, as a lost route does; a connection made meanwhile waits as well. */
  freeze(): void;
  thaw(): void;
  /** Ends all connections, or the one opened last, on both sides. */
  cut(which?: "all" | "last"): void;
  /** While true, new connections are refused. */
  refuse(refusing: boolean): Promise<void>;
  close(): Promise<void>;
}

/** Whether this machine can talk to itself over IPv6. */
export function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === "::1"));
}

interface Line {
  readonly sockets: readonly [Socket, Socket];
  readonly cut: AbortController;
}

/** Starts a proxy on a free port. */
export async function startProxy(to: { readonly port: number }): Promise<TcpProxy> {
  const lines: Line[] = [];
  let speed: Pace | undefined;
  let moving: { promise: Promise<void>; resolve: () => void } | undefined;
  let delivered = 0;

  /** Carries what one side says to the other, one piece after the other: a slow reader holds the writer back. */
  const carry = async (from: Socket, into: Socket, down: boolean, { cut }: Line) => {
    try {
      for await (const piece of from as AsyncIterable<Buffer>) {
        if (speed !== undefined) await sleep(speed.delayMillis + (1000 * piece.length) / speed.bytesPerSecond, undefined, cut);
        while (moving !== undefined) await moving.promise;
        if (cut.signal.aborted) return;
        if (down) delivered += piece.length;
        if (!into.write(piece)) await new Promise((resolve) => into.once("drain", resolve).once("close", resolve));
      }
      into.end();
    } catch {
      // One side is gone: so is the other.
      into.destroy();
    }
  };
  const server = createServer((client) => {
    const upstream = dial(to.port, "127.0.0.1");
    const line: Line = { sockets: [client, upstream], cut: new AbortController() };
    lines.push(line);
    for (const socket of line.sockets) socket.on("error", () => undefined).setNoDelay(true);
    for (const [one, other] of [line.sockets, line.sockets.toReversed()]) one?.once("close", () => other?.destroy());
    void carry(client, upstream, false, line);
    void carry(upstream, client, true, line);
  });
  const listen = (port: number) => new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  await listen(0);
  const { port } = server.address() as { readonly port: number };
  const isOpen = ({ sockets }: Line) => sockets.every((socket) => !socket.destroyed);
  const cutLine = ({ sockets, cut }: Line) => {
    cut.abort();
    for (const socket of sockets) socket.destroy();
  };
  const thaw = () => {
    moving?.resolve();
    moving = undefined;
  };
  const cut = (which: "all" | "last" = "all") => {
    for (const line of which === "all" ? lines : lines.slice(-1)) cutLine(line);
  };
  return {
    port,
    get open() {
      return lines.filter(isOpen).length;
    },
    get delivered() {
      return delivered;
    },
    pace(pace) {
      speed = pace;
    },
    freeze() {
      moving ??= Promise.withResolvers<void>();
    },
    thaw,
    cut,
    async refuse(refusing) {
      if (!refusing) return listen(port);
      // The listener is closed at once; the callback waits for connections that may go on.
      server.close();
      await sleep(0);
    },
    async close() {
      cut();
      thaw();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
