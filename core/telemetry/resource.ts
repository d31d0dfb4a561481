import { randomUUID } from "node:crypto";
import { attribute } from "./attributes.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Who is tracing: `OTEL_SERVICE_NAME` before `OTEL_RESOURCE_ATTRIBUTES` before our own defaults.
 * The SDK's process detector is not used: it reports the command line, and a command line holds SQL.
 */
export function describeResource(env: Environment, version: string): Readonly<Record<string, string | number>> {
  const resource: Record<string, string | number> = {
    [attribute.serviceName]: "tidegate",
    [attribute.serviceVersion]: version,
    [attribute.serviceInstance]: randomUUID(),
    [attribute.processId]: process.pid,
    ...parseResourceAttributes(env.OTEL_RESOURCE_ATTRIBUTES ?? ""),
  };
  if (env.OTEL_SERVICE_NAME) resource[attribute.serviceName] = env.OTEL_SERVICE_NAME;
  return resource;
}

/** `key=value,key=value`, percent-encoded. Text that breaks the form is ignored whole, as the specification says. */
function parseResourceAttributes(text: string): Record<string, string> {
  const pairs = text.split(",").filter((pair) => pair.trim() !== "");
  try {
    return Object.fromEntries(pairs.map(parsePair));
  } catch (error) {
    if (error instanceof URIError || error instanceof RangeError) return {};
    throw error;
  }
}

function parsePair(pair: string): [string, string] {
  const equals = pair.indexOf("=");
  if (equals < 1) throw new RangeError("A resource attribute has no key");
  return [decodeURIComponent(pair.slice(0, equals).trim()), decodeURIComponent(pair.slice(equals + 1).trim())];
}
