import type { Driver } from "../contract/driver.ts";
import type { ConnectionSettings } from "./connections.ts";
import { type ResolvedTarget, resolveTarget } from "./target.ts";

/** The files that connections are made of, opened or not: what a driver names, or the target's own path. */
export async function connectionFiles(connections: readonly ConnectionSettings[], drivers: readonly Driver[]): Promise<readonly string[]> {
  const found = await Promise.all(connections.map((settings) => filesOf(settings, drivers)));
  return [...new Set(found.flat())];
}

async function filesOf({ target, folder, options }: ConnectionSettings, drivers: readonly Driver[]): Promise<readonly string[]> {
  let resolved: ResolvedTarget;
  try {
    resolved = resolveTarget(target, drivers, { folder, ...(options && { options }) });
  } catch {
    // Leads nowhere, or to an engine that is not loaded: the connection itself says so when it is used.
    return [];
  }
  if (!resolved.isPath || resolved.target.location === ":memory:") return [];
  return [resolved.target.location, ...((await resolved.driver.files?.(resolved.target)) ?? [])];
}
