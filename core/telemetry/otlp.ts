import { clearTimeout, setTimeout } from "node:timers";
import type { AttributeValue } from "./attributes.ts";
import type { TraceSink } from "./file.ts";
import type { Log } from "./log.ts";
import { whyUnreachable } from "./reachable.ts";
import type { Sdk } from "./sdk.ts";
import type { FinishedTrace } from "./span.ts";

export interface OtlpOptions {
  readonly resource: Readonly<Record<string, AttributeValue>>;
  readonly version: string;
  /** Only named in the log; the SDK reads the environment by itself. */
  readonly endpoint: string;
  readonly log: Log;
}

const closeMillis = 500;
/** What a collector that accepts no connection may cost a command line. */
const connectMillis = 100;
/** Calls kept while no collector can be reached; the oldest go first. */
const mostHeld = 1000;

/**
 * Sends calls to a collector through the OpenTelemetry SDK, which is loaded once a collector is there:
 * the SDK would try again for seconds, and that is too long for a command line.
 */
export function createOtlpSink({ resource, version, endpoint, log }: OtlpOptions): TraceSink {
  let loading: Promise<Sdk | undefined> | undefined;
  let reaching: Promise<string> = Promise.resolve("");
  let held: FinishedTrace[] = [];
  let failed = false;
  const report = (reason: string): void => {
    const say = failed ? log.debug : log.warn;
    failed = true;
    say("Traces are not reaching the collector", { endpoint: withoutCredentials(endpoint), reason });
  };
  const load = async (): Promise<Sdk | undefined> => {
    reaching = whyUnreachable(endpoint);
    const reason = await reaching;
    if (reason !== "") {
      report(reason);
      return undefined;
    }
    const { startSdk } = await import("./sdk.ts");
    return startSdk({ resource, version, report });
  };
  const send = async (): Promise<Sdk | undefined> => {
    loading ??= load().catch((error: unknown) => void report(reasonOf(error)));
    const sdk = await loading;
    if (sdk === undefined) loading = undefined;
    else for (const trace of held.splice(0)) sdk.send(trace);
    return sdk;
  };
  return {
    write(traces) {
      held = [...held, ...traces].slice(-mostHeld);
      void send();
    },
    async close() {
      const sending = held.length > 0 ? send() : loading;
      if ((await within(reaching, connectMillis)) === undefined) return report(`No connection within ${connectMillis} ms`);
      const sdk = await sending;
      if (sdk === undefined) return;
      const delivered = sdk.shutdown().then(() => "", reasonOf);
      const reason = (await within(delivered, closeMillis)) ?? `No answer within ${closeMillis} ms`;
      if (reason !== "") report(reason);
    },
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : "The export failed";
}

/** The promise's value, or `undefined` when it takes longer. */
function within<T>(promise: Promise<T>, millis: number): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), millis);
    void promise.then(resolve).finally(() => clearTimeout(timer));
  });
}

function withoutCredentials(endpoint: string): string {
  return URL.canParse(endpoint) ? new URL(endpoint).origin : "an unreadable address";
}
