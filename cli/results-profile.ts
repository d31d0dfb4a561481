import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { problem } from "../core/problem.ts";
import type { CommandContext } from "./commands.ts";
import { printItems, type ResultsOptions, rowFormat, withResults } from "./results-open.ts";

interface ProfileOptions extends ResultsOptions {
  readonly chart?: boolean;
  readonly html?: string;
}

/** Tells what each column of a result holds, as a table, a drawing or a page. */
export async function profile([name = ""]: readonly string[], options: ProfileOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const { chart: draws, html, format } = options;
  if ([draws, html, format].filter((way) => way !== undefined).length > 1)
    throw problem("INPUT_INVALID", "A profile is told in one way", "Give one of --format, --chart and --html");
  await withResults("profile", options, context, async (_, app, caller) => {
    const found = await app.profile(name, caller);
    if (html !== undefined) return writePage((await import("../core/results/chart-html.ts")).chartPage(found), html, context);
    if (draws) return io.out((await import("../core/results/chart.ts")).chart(found, io.terminal ?? { width: 80, colour: false }));
    const { profileHead, profileJson, profileRows } = await import("../core/results/profile-text.ts");
    if (format === "json") return io.out(`${profileJson(found)}\n`);
    await printItems(profileRows(found), rowFormat(options, io), io);
    io.note(profileHead(found));
  });
}

async function writePage(page: string, path: string, { io }: CommandContext): Promise<void> {
  await writeFile(resolve(io.cwd, path), page, { mode: 0o600, flag: "wx" }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") throw problem("CONFLICT", `"${path}" exists already`, "Name another file");
    throw problem("INPUT_INVALID", `Cannot write "${path}": ${error.code ?? "failed"}`, "Check the path and the space left", error);
  });
  io.note(`Wrote ${path}`);
}
