import { connect } from "node:net";
import { clearTimeout, setTimeout } from "node:timers";

const mostMillis = 5000;

/**
 * Why nobody can be reached at an address; empty when somebody accepts a connection, or when only
 * whoever uses the address can tell. Keeps no process alive.
 */
export function whyUnreachable(address: string): Promise<string> {
  if (!/^https?:/i.test(address) || !URL.canParse(address) || throughProxy()) return Promise.resolve("");
  const { hostname, port, protocol } = new URL(address);
  const host = hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) || (protocol === "https:" ? 443 : 80) }).unref();
    const settle = (reason: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(reason);
    };
    const timer = setTimeout(() => settle(`No connection within ${mostMillis} ms`), mostMillis).unref();
    socket.once("connect", () => settle(""));
    socket.once("error", ({ code }: NodeJS.ErrnoException) => settle(code ?? "The connection failed"));
  });
}

/** The address itself may then be out of reach although a proxy leads there. */
function throughProxy(): boolean {
  return Object.entries(process.env).some(([name, value]) => /^https?_proxy$/i.test(name) && value !== "");
}
