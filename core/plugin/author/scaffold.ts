import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { problem } from "../../problem.ts";
import { contractVersion } from "../manifest.ts";
import { aboutFile, readAbout } from "./about.ts";
import { packInPlace } from "./pack.ts";

type Text = () => Promise<unknown>;

/** The contract's own files, so that an editor knows what a driver must do. They are read as text: nothing in them runs. */
export const contractTexts: Readonly<Record<string, Text>> = {
  "analysis.ts": () => import("../../contract/analysis.ts", { with: { type: "text" } }),
  "catalog.ts": () => import("../../contract/catalog.ts", { with: { type: "text" } }),
  "driver.ts": () => import("../../contract/driver.ts", { with: { type: "text" } }),
  "driver-suite.ts": () => import("../../contract/driver-suite.ts", { with: { type: "text" } }),
  "export.ts": () => import("../../contract/export.ts", { with: { type: "text" } }),
  "plugin.ts": () => import("../../contract/plugin.ts", { with: { type: "text" } }),
  "policy.ts": () => import("../../contract/policy.ts", { with: { type: "text" } }),
  "problem.ts": () => import("../../contract/problem.ts", { with: { type: "text" } }),
  "rows.ts": () => import("../../contract/rows.ts", { with: { type: "text" } }),
  "results.ts": () => import("../../contract/results.ts", { with: { type: "text" } }),
  "tool.ts": () => import("../../contract/tool.ts", { with: { type: "text" } }),
};

const templateTexts: Readonly<Record<string, Text>> = {
  "plugin.ts": () => import("./template/plugin.ts", { with: { type: "text" } }),
  "driver.ts": () => import("./template/driver.ts", { with: { type: "text" } }),
  "failure.ts": () => import("./template/failure.ts", { with: { type: "text" } }),
  "sql.ts": () => import("./template/sql.ts", { with: { type: "text" } }),
  "store.ts": () => import("./template/store.ts", { with: { type: "text" } }),
  "driver-suite.ts": () => import("./template/driver-suite.ts", { with: { type: "text" } }),
};

/** What the plugin loads; the suite and the types stay at home. */
const loaded = Object.keys(templateTexts).filter((file) => file !== "driver-suite.ts");

const typescript = {
  compilerOptions: {
    target: "ESNext",
    module: "ESNext",
    moduleResolution: "bundler",
    lib: ["ESNext", "ESNext.Disposable", "DOM"],
    types: [],
    strict: true,
    // tidegate leaves types out and changes nothing else.
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    allowImportingTsExtensions: true,
    noEmit: true,
  },
};

/** Makes a plugin that can be tested, packed and queried as it is, in a new folder; its files. @throws CONFLICT when the folder exists */
export async function scaffold(name: string, folder: string): Promise<string[]> {
  const files = await filesOf(name);
  claim(folder);
  try {
    mkdirSync(join(folder, "contract"));
    for (const [file, text] of files) writeFileSync(join(folder, file), text, { flag: "wx" });
    packInPlace(folder, readAbout(folder));
    return [...files.keys(), "manifest.json"];
  } catch (cause) {
    rmSync(folder, { recursive: true, force: true });
    throw unwritable(folder, cause);
  }
}

async function filesOf(name: string): Promise<Map<string, string>> {
  const about = {
    name,
    version: "0.1.0",
    title: name,
    contract: contractVersion,
    schemes: [name],
    needs: {},
    entry: "plugin.ts",
    files: loaded,
  };
  const files = new Map([
    ["README.md", readme(name)],
    [aboutFile, json(about)],
    ["tsconfig.json", json(typescript)],
  ]);
  for (const [file, text] of Object.entries(templateTexts)) {
    files.set(file, (await textOf(text)).replaceAll("mydb", name).replaceAll('"../../../contract/', '"./contract/'));
  }
  for (const [file, text] of Object.entries(contractTexts)) files.set(`contract/${file}`, await textOf(text));
  return files;
}

async function textOf(load: Text): Promise<string> {
  return ((await load()) as { readonly default: string }).default;
}

function claim(folder: string): void {
  try {
    mkdirSync(dirname(folder), { recursive: true });
    mkdirSync(folder);
  } catch (cause) {
    if (!existsSync(folder)) throw unwritable(folder, cause);
    throw problem("CONFLICT", `"${folder}" exists already`, "Name another folder with --folder: nothing is overwritten", cause);
  }
}

function unwritable(folder: string, cause: unknown) {
  const { code = "nothing" } = cause as NodeJS.ErrnoException;
  return problem("FORBIDDEN", `Cannot make "${folder}": the system says ${code}`, "Name a folder you may write to with --folder", cause);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function readme(name: string): string {
  return `# ${name}

A driver plugin for tidegate. It works as it is, over a small store in memory, and needs nothing but the tidegate binary:

    tidegate plugin test .              # what every driver must do: ok, not ok, skip
    tidegate plugin pack .              # after a change: tidegate loads only files that its manifest.json lists
    TIDEGATE_PLUGINS_FOLDER=.. tidegate query ${name}:sample 'select 1 as one'

1. Put your engine's client in the place of sql.ts and store.ts, in driver.ts method by method.
2. Take entries out of \`cannot\` in driver-suite.ts, and run the suite again.
3. Say in about.json what the plugin is and needs, and list every file it loads.

A client from npm is bundled first, by any bundler, into one ESM file; \`entry\` in about.json names it.
The folder contract/ holds the types, as this version of tidegate has them. Nothing there is loaded.
`;
}
