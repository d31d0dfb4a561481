import { type Command, Option } from "commander";
import { type App, describeObjects, formatNamed, inspectEncodings, inspectRows, ofKind, searchObjects } from "../core/app.ts";
import type { CatalogDetail, CatalogObject, ObjectKind } from "../core/contract/catalog.ts";
import { problem } from "../core/problem.ts";
import type { Caller } from "../core/query/run.ts";
import type { CommandContext } from "./commands.ts";
import { type CommonOptions, withTarget } from "./open.ts";
import { commonOptions } from "./options.ts";

interface InspectOptions extends CommonOptions {
  readonly search?: string;
  readonly kind?: ObjectKind;
  readonly detail?: CatalogDetail;
  readonly format?: Format;
}

const kinds = ["table", "view", "routine", "sequence", "type", "extension"] as const satisfies readonly ObjectKind[];
const rowFormats = ["table", "csv", "tsv", "ndjson", "markdown"] as const;

type Format = (typeof rowFormats)[number] | (typeof inspectEncodings)[number];

export function define(command: Command, context: CommandContext): void {
  commonOptions(command)
    .argument("<target>", "a file, folder, glob, URL or configured connection")
    .argument("[object]", "one table or view, as name or schema.name")
    .option("--search <words>", "find tables and columns by words or a LIKE pattern")
    .addOption(new Option("--kind <kind>", "only objects of one kind").choices(kinds))
    .addOption(new Option("--detail <detail>", "how much (default: columns; full for one object)").choices(["names", "columns", "full"]))
    .addOption(
      new Option("--format <format>", "output format (default: tree on a terminal, else table as csv)").choices([
        ...inspectEncodings,
        ...rowFormats,
      ]),
    )
    .addHelpText("after", examples)
    .action((target: string, object: string | undefined, options: InspectOptions) => inspect(target, object, options, context));
}

const examples = `
Examples:
  tidegate inspect shop.db
  tidegate inspect shop.db orders --detail full
  tidegate inspect shop.db --search 'customer mail'
  tidegate inspect shop.db --format mermaid > schema.mmd
  tidegate inspect shop.db --format compact          (the encoding models read)`;

async function inspect(target: string, object: string | undefined, options: InspectOptions, context: CommandContext): Promise<void> {
  const { io } = context;
  const format: Format = options.format ?? (io.terminal === undefined ? "csv" : "tree");
  const detail = options.detail ?? (object === undefined ? "columns" : "full");
  await withTarget("inspect", target, options, context, async (app, connection, caller) => {
    const objects = await chosen(
      app,
      connection,
      { object, search: options.search, kind: options.kind, detail: detailFor(format, detail) },
      caller,
    );
    if (io.terminal !== undefined) await app.connections.proof(connection, caller.signal);
    note(app, connection, objects.length, context);
    if (!isRowFormat(format)) return io.out(`${describeObjects(app, connection, objects, format, format === "ddl" ? "full" : detail)}\n`);
    const exporter = formatNamed(format);
    const chunks = exporter.encode(inspectRows(objects, detail), {
      signal: io.signal,
      tempFolder: "",
      ...(io.terminal && { terminal: io.terminal }),
    });
    for await (const chunk of chunks) await io.out(chunk);
  });
}

/** Drivers count rows no sooner than with the columns, and the rows of `names` show the counts. */
function detailFor(format: Format, detail: CatalogDetail): CatalogDetail {
  if (format === "ddl") return "full";
  return detail === "names" && isRowFormat(format) ? "columns" : detail;
}

function isRowFormat(format: Format): format is (typeof rowFormats)[number] {
  return rowFormats.some((name) => name === format);
}

interface Wanted {
  readonly object: string | undefined;
  readonly search: string | undefined;
  readonly kind: ObjectKind | undefined;
  readonly detail: CatalogDetail;
}

async function chosen(
  app: App,
  connection: string,
  { object, search, kind, detail }: Wanted,
  caller: Caller,
): Promise<readonly CatalogObject[]> {
  if (object !== undefined && search !== undefined)
    throw problem("INPUT_INVALID", "An object and --search were both given", "Give one of them");
  if (object !== undefined && kind !== undefined)
    throw problem("INPUT_INVALID", "An object and --kind were both given", "Leave --kind out");
  if (object !== undefined) return app.object(connection, object, detail, caller);
  const objects = await app.catalog(connection, search === undefined ? detail : "full", caller);
  return ofKind(search === undefined ? objects : searchObjects(objects, search), kind);
}

function note(app: App, connection: string, count: number, { io }: CommandContext): void {
  const report = app.connections.reports().find((entry) => entry.name === connection);
  if (io.terminal !== undefined && report !== undefined) {
    io.note(
      `${report.engine} ${report.display}: ${count} ${count === 1 ? "object" : "objects"}, read-only ${report.readOnly ?? "not tried"}`,
    );
  }
}
