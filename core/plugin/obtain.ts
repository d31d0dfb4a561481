import { Problem, problem } from "../problem.ts";
import { chooseEntry, entryForScheme } from "./catalogue.ts";
import type { DownloadOptions } from "./download.ts";
import { install, type Offer } from "./install.ts";
import { type Lock, pinnedEntry } from "./lock.ts";
import { wellKnownSchemes } from "./schemes.ts";
import type { RegistryIndex } from "./signed-index.ts";

/** Gets a driver for a scheme that no plugin here serves. False when no plugin is known for it. @throws NOT_FOUND when it may not be installed now */
export type Obtain = (scheme: string) => Promise<boolean>;

export function createObtain(deps: {
  readonly registry: RegistryIndex;
  readonly folder: string;
  /** Installs without asking. */
  readonly auto: boolean;
  /** Asks a person; absent when nobody is there. */
  readonly ask?: (offer: Offer) => Promise<boolean>;
  readonly lock: Lock | undefined;
  readonly options: DownloadOptions;
  readonly note: (line: string) => void;
}): Obtain {
  const { registry, folder, auto, ask, lock, options, note } = deps;

  const offerFor = async (scheme: string, name: string | undefined): Promise<Offer | undefined> => {
    const { index, signer } = await registry.read(options.signal);
    const wanted = name ?? entryForScheme(index, scheme)?.name;
    if (wanted === undefined) return undefined;
    const pin = lock?.plugins[wanted];
    const entry = pin === undefined ? chooseEntry(index, wanted) : pinnedEntry(index, wanted, pin);
    return { entry, signer, source: registry.source };
  };
  return async (scheme) => {
    const remembered = registry.remembered();
    const known = Object.hasOwn(wellKnownSchemes, scheme) ? wellKnownSchemes[scheme] : undefined;
    const name = known ?? (remembered && entryForScheme(remembered.index, scheme)?.name);
    // A scheme nobody knows is most often a slip: the registry is asked for it once, not at every slip.
    if (name === undefined && (remembered !== undefined || (!auto && ask === undefined))) return false;
    if (name !== undefined && !auto && ask === undefined) throw missing(scheme, name);
    const offer = await offerFor(scheme, name).catch((error) => {
      if (name === undefined && error instanceof Problem && error.code === "CONNECTION_FAILED") return undefined;
      throw error;
    });
    if (offer === undefined) return false;
    if (!auto && !(await ask?.(offer))) throw missing(scheme, offer.entry.name);
    await install(offer, folder, options);
    note(`Installed ${offer.entry.name} ${offer.entry.version}, signed by ${offer.signer}`);
    return true;
  };
}

function missing(scheme: string, name: string): Problem {
  return problem("NOT_FOUND", `The driver for "${scheme}:" is not installed`, `Run: tidegate plugin install ${name}`);
}
