import { clearTimeout, setTimeout } from "node:timers";
import type { AttributeValue } from "./attributes.ts";
import type { TraceSink } from "./file.ts";
import type { Log } from "./log.ts";
import type { Sdk } from "./sdk.ts";

export interface OtlpOptions {
  readonly resource: Readonly<Record<string, AttributeValue>>;
  readonly version: string;
  /** Only named in the log; the SDK reads the environment by itself. */
  readonly endpoint: string;
  readonly log: Log;
}

const closeMillis = 500;

/** Sends calls to a collector through the OpenTelemetry SDK, which is loaded with the first finished call. */
export function createOtlpSink({ resource, version, endpoint, log }: OtlpOptions): TraceSink {
  let loading: Promise<Sdk> | undefined;
  let failed = false;
  const report = (reason: string): void => {
    const say = failed ? log.debug : log.warn;
    failed = true;
    say("Traces are not reaching the collector", { endpoint: withoutCredentials(endpoint), reason });
  };
  const load = async (): Promise<Sdk> => {
    const { startSdk } = await import("./sdk.ts");
    return startSdk({ resource, version, report });
  };
  return {
    write(traces) {
      loading ??= load();
      loading.then(
        (sdk) => {
          for (const trace of traces) sdk.send(trace);
        },
        (error: unknown) => report(reasonOf(error)),
      );
    },
    async close() {
      const sdk = await loading?.catch(() => undefined);
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
