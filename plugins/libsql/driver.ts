import type { Driver } from "../../core/contract/driver.ts";
import { createConnection } from "./connection.ts";
import { diagnose } from "./diagnose.ts";
import { fileAt } from "./local/file.ts";
import { loadNative } from "./local/native.ts";
import { openLocal } from "./local/open.ts";
import { openRemote } from "./remote/open.ts";
import { filesOf, isPath, placeOf, schemes } from "./target/place.ts";

/**
 * libSQL: files and embedded replicas through its own native engine, servers through Hrana over HTTP.
 * `folder` is where the installed plugin lies; from the sources the engine comes from node_modules.
 */
export function createLibsqlDriver(folder: string | undefined): Driver {
  return {
    name: "libsql",
    schemes,
    facts: { title: "libSQL", identifierQuote: '"', defaultSchema: "main", blocking: true },
    isPath,
    files: filesOf,
    async connect(target, { signal, readOnly }) {
      signal.throwIfAborted();
      const place = placeOf(target, process.env);
      if (place.kind === "remote") return createConnection(await openRemote(place, readOnly, signal), undefined);
      // Before it is opened: should it be replaced in between, the session counts as old and not as new.
      const before = fileAt(place.path);
      const engine = await openLocal(loadNative(folder), place, readOnly);
      return createConnection(engine, before ?? fileAt(place.path));
    },
    diagnose,
  };
}
