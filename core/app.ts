import { createHash } from "node:crypto";
import type { Audit } from "./audit/audit.ts";
import { type AuditCall, auditCalls } from "./audit/call.ts";
import { bind } from "./bind.ts";
import { createCatalogs } from "./catalog/catalog.ts";
import { createColumnIndex } from "./catalog/column-index.ts";
import { type CatalogEncoding, encode } from "./catalog/encode.ts";
import { createInspect } from "./catalog/inspect.ts";
import { nameTable, tableNamed } from "./catalog/named-table.ts";
import { page as pageOf } from "./catalog/page.ts";
import { findObject, suggest } from "./catalog/resolve.ts";
import { search } from "./catalog/search.ts";
import type { Config } from "./config/config.ts";
import { type ConnectionSettings, type Connections, createConnections, diagnosed } from "./connection/connections.ts";
import { connectionFiles } from "./connection/files.ts";
import { isolated } from "./connection/isolate.ts";
import { createLeases, type Leases } from "./connection/lease.ts";
import type { CatalogDetail, CatalogObject, CatalogRequest, ObjectName } from "./contract/catalog.ts";
import type { Driver } from "./contract/driver.ts";
import type { Principal } from "./contract/policy.ts";
import type { Lineage, StoredResult } from "./contract/results.ts";
import type {
  ExecuteInput,
  ExecuteReport,
  ExportInput,
  ExportReport,
  InspectInput,
  InspectPage,
  Person,
  QueryInput,
  Question,
  Tool,
} from "./contract/tool.ts";
import { type ExportRequest, type ExportSource, exportResult } from "./export/export.ts";
import { formats } from "./export/formats.ts";
import { exportedFiles } from "./export/job.ts";
import { exportPath, onlyTable } from "./export/names.ts";
import { csvWays } from "./export/ways.ts";
import type { Obtain } from "./plugin/obtain.ts";
import { type BundledPlugins, createRegistry, type Registry } from "./plugin/registry.ts";
import { guardRule } from "./policy/guard.ts";
import { limitsRule } from "./policy/limits.ts";
import { createPolicy } from "./policy/policy.ts";
import { readOnlyRule } from "./policy/read-only.ts";
import { readableTables } from "./policy/readable.ts";
import type { RolePolicy } from "./policy/roles/compile.ts";
import { hoursDenial } from "./policy/roles/denials.ts";
import { type RateRule, rateRule } from "./policy/roles/rate.ts";
import { rolesRule } from "./policy/roles/roles-rule.ts";
import type { Roles } from "./policy/roles/store.ts";
import { visibleObjects } from "./policy/roles/visible.ts";
import { meet } from "./policy/verdict.ts";
import { asProblem } from "./problem.ts";
import { arrivingOf } from "./query/arriving.ts";
import { type Caged, type CagedInput, openCaged } from "./query/caged.ts";
import { confirmOf } from "./query/confirm.ts";
import type { Federator } from "./query/federate.ts";
import { lineageOf } from "./query/lineage.ts";
import { inspectedOrStored, profiled } from "./query/profiled.ts";
import { questionOf } from "./query/question.ts";
import { type Caller, createQueryRunner, type Prepared } from "./query/run.ts";
import { wholeRows } from "./query/whole.ts";
import type { Profile } from "./results/profile.ts";
import { createResults, noResults, type Results } from "./results/results.ts";
import { createSecrets } from "./secrets/resolve.ts";
import { createLog, type Log } from "./telemetry/log.ts";
import { createTelemetry, type Telemetry } from "./telemetry/trace.ts";
import { toolNames } from "./tools/names.ts";

export { encodings as inspectEncodings } from "./catalog/encode.ts";
export { ofKind } from "./catalog/inspect.ts";
export { inspectRows } from "./catalog/inspect-rows.ts";
export { connectionFor, namedConnection, namedConnections } from "./connection/named.ts";
export { formatNamed } from "./export/formats.ts";
export { readSplit } from "./export/split-size.ts";
export { createLog } from "./telemetry/log.ts";

/** Formats that are written to files. */
export const exportFormats: readonly string[] = formats.filter(({ extensions }) => extensions.length > 0).map(({ format }) => format);

/** Where and how an export is written; who asked, and with what, is known to the app. */
export type AppExport = Pick<ExportRequest, "format" | "compress" | "overwrite" | "append" | "split" | "partitionBy" | "onProgress"> & {
  /** Absolute, or a name inside `within`. Placeholders are filled in; a folder, by the slash at its end, gets a file named after its content. */
  readonly to: string;
  /** The folder that nothing is written outside of. */
  readonly within?: string;
  readonly meta: boolean;
  /** The table that the statement reads as a whole: it may then be read over several connections. */
  readonly table?: ObjectName;
  /** Connections for that, at most; absent means 2. */
  readonly jobs?: number | undefined;
};

/** A table or view in full: the statement that reads it, and its name in the catalog. */
export interface WholeTable {
  readonly sql: string;
  readonly table: ObjectName;
}

/** Whoever asks, and how to stop. */
export type Asking = Pick<Caller, "principal" | "signal">;

/** Every room, wired. Whoever creates it closes it. */
export interface App {
  readonly config: Config;
  readonly connections: Connections;
  /** Transactions that outlive a call; a statement runs in one by its `lease`. */
  readonly leases: Pick<Leases, "begin" | "commit" | "rollback">;
  readonly registry: Registry;
  readonly telemetry: Telemetry;
  readonly log: Log;
  /** Results that are kept; absent where none are. */
  readonly results?: Results;
  /** Begins the record of a call; absent where none is kept. */
  readonly audit?: AuditCall;
  /** Whoever sits at this machine: the command line and stdio. */
  readonly principal: Principal;
  /** Whether somebody's roles allow a tool. */
  mayUse(principal: Principal, tool: Pick<Tool, "name" | "access" | "writesFiles">): boolean;
  /** Waits until a policy that was changed is in force. */
  settled(): Promise<void>;
  prepare(input: QueryInput, caller: Caller): Promise<Prepared>;
  /** Keeps the whole result of a statement, read in the engine's fastest way, or gives one that is young enough. @throws UNSUPPORTED where none are kept */
  land(input: QueryInput, caller: Caller, maxAgeMillis?: number): Promise<StoredResult>;
  /** Joins tables of the connections, each called `connection.table`. */
  federator(): Promise<Federator>;
  /** One statement over the caller's stored results. @throws UNSUPPORTED where none are kept */
  caged(input: CagedInput, caller: Caller): Promise<Caged>;
  /** What each column of a stored result holds. @throws UNSUPPORTED where none are kept */
  profile(name: string, caller: Caller): Promise<Profile>;
  /** Runs or tries a write; a question for `person` comes back where they have to agree first. */
  execute(input: ExecuteInput, caller: Caller, person?: Person): Promise<ExecuteReport | Question>;
  /** Writes one result to a file, in the fastest way the engine and the format share. */
  export(input: Omit<ExportInput, "to" | "format" | "overwrite">, request: AppExport, caller: Caller): Promise<ExportReport>;
  /** A whole table or view, by the name a person typed. @throws NOT_FOUND with near names */
  selectAll(connection: string, table: string, caller: Asking): Promise<WholeTable>;
  inspect(input: InspectInput, caller: Caller): Promise<InspectPage>;
  /** What the caller may know of a connection. */
  catalog(connection: string, detail: CatalogDetail, caller: Asking): Promise<readonly CatalogObject[]>;
  /** One object by the name a person typed. @throws NOT_FOUND with near names */
  object(connection: string, name: string, detail: CatalogDetail, caller: Asking): Promise<readonly CatalogObject[]>;
  /** What lets the engine itself refuse all that the caller may not read; `undefined` where it has no such thing. */
  roleSql(connection: string, role: string, caller: Asking): Promise<string | undefined>;
  close(): Promise<void>;
}

export async function createApp(deps: {
  readonly config: Config;
  /** Replaces the configuration's connections: what the command line names. */
  readonly connections: readonly ConnectionSettings[];
  readonly bundled: BundledPlugins;
  /** Gets a driver that is not installed. */
  readonly obtain?: Obtain;
  /** How to start this program as the seat of a blocking engine. */
  readonly seatCommand: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
}): Promise<App> {
  const { config, version } = deps;
  const log = createLog(config.log);
  const telemetry = createTelemetry({
    config: { ...config.telemetry, folder: `${config.folders.state}/traces` },
    env: deps.env,
    version,
    log,
  });
  const registry = createRegistry({
    bundled: deps.bundled,
    folder: config.plugins.folder,
    log: (level, message) => log[level](message),
    ...(deps.obtain && { obtain: deps.obtain }),
  });
  const drivers = await seatedDrivers(registry, deps.connections, deps.seatCommand);
  const connections = createConnections({
    connections: deps.connections,
    drivers,
    secrets: createSecrets({ env: deps.env, home: config.folders.home, warn: (message) => log.warn(message) }),
    limits: { ...config.pool, most: config.limits.maxConcurrent, checkAfterMillis: 5000 },
    unproved: (connection, why) => log.warn(`Read-only could not be proved on "${connection}": ${why}`),
    replaced: (connection) => catalogs.forget(connection),
  });
  const leases = createLeases({ connections, idleMillis: 60_000, mostPerPrincipal: 2 });
  const catalogs = createCatalogs({ open: async (name, signal) => openCatalog(connections, name, signal) });
  const roles = await loadRoles(deps, log);
  const audit = await openAudit(deps, log);
  const columns = createColumnIndex(catalogs);
  const rate = rateRule({ policy: roles.current, now: () => performance.now() });
  // What is hidden is refused first: for a name that is not there no other rule is asked.
  const policy = createPolicy([
    rolesRule({ policy: roles.current, columns: columns.of, salt: roles.salt, now: () => new Date() }),
    rate,
    readOnlyRule((name) => connections.settings(name).write),
    guardRule(
      (request) => [...config.policy.allowFunctions.split(" "), ...roles.allowedFunctions(request.principal)],
      () => roles.current() === undefined,
    ),
    limitsRule((name) => limitsOf(connections.settings(name))),
  ]);
  const seenBy = (principal: Principal) => ({
    read: async (name: string, request: CatalogRequest) => {
      const objects = await catalogs.read(name, request);
      await roles.settled();
      const permissions = roles.current()?.permissions(principal);
      return permissions === undefined ? objects : visibleObjects(objects, permissions, name);
    },
  });
  const queries = createQueryRunner({
    connections,
    leases,
    policy,
    // Roles are judged by columns, which are read before a connection is taken: a pool whose every connection waits for one more stands still.
    async conceal(name, sql, { principal, signal }) {
      if (roles.current()?.permissions(principal).grants.unrestricted(name) !== false) return undefined;
      const { conceal } = await import("./policy/roles/conceal.ts");
      return conceal(sql, await seenBy(principal).read(name, { detail: "columns", signal }));
    },
    async before(name, signal) {
      await roles.settled();
      if (roles.current() !== undefined) await columns.refresh(name, signal);
    },
    suggest: async (name, missing, { principal, signal }) =>
      suggest(await seenBy(principal).read(name, { detail: "columns", signal }), missing, connections.facts(name).defaultSchema),
    wrote(name) {
      catalogs.forget(name);
      results?.wrote(name).catch((error) => log.warn(`Answers on "${name}" may be given again: ${asProblem(error).message}`));
    },
  });
  const results = config.results.mode === "on" ? openResults(config, registry, { roles, rate, log }) : undefined;
  const sources = () => connectionFiles([...deps.connections, ...Object.values(config.connections)], drivers);

  return {
    config,
    connections,
    leases,
    registry,
    telemetry,
    log,
    principal: { id: "local", roles: config.policy.role.split(" ").filter((name) => name !== ""), via: "local" },
    mayUse(principal, { name, access, writesFiles }) {
      const mayChange = (name: string) => roles.current()?.permissions(principal).grants.mayChange(name) === true;
      if (access === "write" && !connections.names.some((name) => connections.settings(name).write && mayChange(name))) return false;
      const entries = roles.current()?.permissions(principal).entries ?? [];
      return entries.every(({ entry }) => (entry.tools?.includes(name) ?? true) && !(writesFiles && entry.files === false));
    },
    settled: roles.settled,
    prepare: queries.prepare,
    ...(results && { results }),
    async land(input, caller, maxAgeMillis) {
      if (results === undefined) throw noResults();
      await using prepared = await queries.prepare({ maxMillis: config.limits.timeoutMillis, ...input }, caller);
      const { target } = connections.settings(prepared.connection);
      const asked = maxAgeMillis === undefined ? undefined : questionOf(prepared, input, caller.principal, target);
      const earlier = asked && (await results.answer(caller.principal, asked, maxAgeMillis ?? 0));
      if (earlier) return earlier;
      const lineage = lineageOf(prepared, input.sql, caller.span.traceId);
      const written = results.writes(prepared.connection);
      const stale = () => results.writes(prepared.connection) !== written;
      const arriving = await arrivingOf(prepared, connections.facts(prepared.connection));
      await using source = "csv" in arriving ? arriving.csv : arriving.rows;
      const narrowed = () => "passed" in source && (source.passed as { cut: unknown }).cut !== false;
      return await results.keep(arriving, caller.principal, { lineage, asked, stale, narrowed, onRows: caller.keeping }, caller.signal);
    },
    async caged(input, caller) {
      if (results === undefined) throw noResults();
      return openCaged(results, input, caller);
    },
    async profile(name, caller) {
      if (results === undefined) throw noResults();
      return profiled(results, name, caller);
    },
    async federator() {
      const { createFederator } = await import("./query/federate.ts");
      const { folder, maxRows: rows, maxBytes: bytes } = config.results;
      return createFederator({
        connections: connections.names,
        facts: connections.facts,
        maxRows: (name) => connections.settings(name).maxRows,
        prepare: queries.prepare,
        async table(name, path, { principal, signal }) {
          const objects = await seenBy(principal).read(name, { detail: "columns", signal });
          return tableNamed(name, path, objects, connections.facts(name));
        },
        suggest,
        driver: () => resultDriver(registry),
        folder,
        limits: { rows, bytes },
      });
    },
    async execute(input, caller, person) {
      const { createExecutor } = await import("./query/execute.ts");
      const { inlineRows: rows, inlineBytes: bytes } = config.limits;
      const confirm = (principal: Principal) => confirmOf(roles.current()?.permissions(principal).entries ?? []);
      const executor = createExecutor({ prepare: queries.prepare, confirm, facts: connections.facts, inline: { rows, bytes } });
      return executor.execute(input, caller, person);
    },
    async export({ from, sql = "", ...input }, request, caller) {
      const written = async (source: ExportSource, lineage: Lineage, table?: string): Promise<ExportReport> => {
        const { traceId, connection } = lineage;
        const meta = request.meta ? { sql: lineage.sql ?? "", connection, traceId, version } : undefined;
        const { format, compress, partitionBy } = request;
        const facts = { connection, table, format, ...(!partitionBy && { compress }), now: new Date() };
        const to = await exportPath(request, facts);
        const own = () =>
          connections.names.includes(connection) ? connectionFiles([connections.settings(connection)], drivers) : Promise.resolve([]);
        const wanted = { ...request, to, name: table, meta, sources, readFrom: own, signal: caller.signal };
        const serializing = caller.span.child("serialize");
        const report = await exportResult(source, wanted).finally(() => serializing.end());
        const recorded = { format: report.format, created: Date.now(), lineage };
        for (const file of exportedFiles(report))
          await results
            ?.addFile(caller.principal, { ...file, ...recorded })
            .catch((error) => log.warn(`The file is not in the record of exports: ${asProblem(error).message}`));
        return report;
      };
      if (from !== undefined) {
        if (results === undefined) throw noResults();
        const { name } = await results.find(caller.principal, from);
        await using caged = await openCaged(results, { ...input, sql: `select * from ${name}` }, caller);
        return await written(caged, caged.lineage, name);
      }
      await using prepared = await queries.prepare({ ...input, sql }, caller);
      const { maxRows } = connections.settings(prepared.connection);
      const ways = { ...prepared, ...copies(prepared, request, connections, log), rows: () => wholeRows(prepared, maxRows) };
      const table = request.table?.name ?? onlyTable(prepared.statement.analysis?.relations);
      return await written(ways, lineageOf(prepared, sql, caller.span.traceId), table);
    },
    async selectAll(name, table, { principal, signal }) {
      const facts = connections.facts(name);
      const objects = await seenBy(principal).read(name, { detail: "names", signal });
      const found = findObject(objects, table, facts.defaultSchema);
      return { sql: `select * from ${nameTable(found, objects, facts).from}`, table: found };
    },
    async inspect(input, caller) {
      const { principal, signal } = caller;
      meet([rate.judge({ principal })]);
      const own = () => createInspect({ catalogs: seenBy(principal), connections })(input, signal);
      const page = (text: string) => pageOf(text, input.cursor === undefined ? {} : { cursor: input.cursor });
      return results === undefined
        ? own()
        : inspectedOrStored(results, input, caller, { own, page, maxMillis: config.limits.timeoutMillis });
    },
    catalog: (name, detail, { principal, signal }) => seenBy(principal).read(name, { detail, signal }),
    async object(name, wanted, detail, { principal, signal }) {
      const seen = seenBy(principal);
      const object = findObject(await seen.read(name, { detail: "names", signal }), wanted, connections.facts(name).defaultSchema);
      return seen.read(name, { detail, object, signal });
    },
    ...(audit && { audit: auditCalls(audit, () => roles.current()?.auditSql === true) }),
    async roleSql(name, role, { principal, signal }) {
      const all = await catalogs.read(name, { detail: "columns", signal });
      const tables = readableTables(all, roles.current()?.permissions(principal).grants, name);
      return connections.roleSql(name, { role, ...tables });
    },
    async close() {
      await leases.close();
      await connections.close();
      results?.close();
      audit?.close();
      await telemetry.close();
    },
  };
}

/** Writes objects of a connection as `format`. */
export function describeObjects(
  { connections }: App,
  connection: string,
  objects: readonly CatalogObject[],
  format: CatalogEncoding,
  detail: CatalogDetail,
): string {
  const { defaultSchema, identifierQuote } = connections.facts(connection);
  return encode(objects, format, { detail, identifierQuote, ...(defaultSchema !== undefined && { defaultSchema }) });
}

/** The objects that match, best first. */
export function searchObjects(objects: readonly CatalogObject[], words: string): readonly CatalogObject[] {
  return search(objects, words).map(({ object }) => object);
}

/** What serving needs beyond the app; loaded only then, because it brings the protocol and its schemas. */
export async function serveTools(app: App) {
  const [{ createTools }, { createToolCalls }, { createMcpFactory, listTool }, { serveStreams }, { resourceTool }] = await Promise.all([
    import("./tools/tools.ts"),
    import("./tools/call.ts"),
    import("./server/mcp.ts"),
    import("./server/stdio.ts"),
    import("./resources/results.ts"),
  ]);
  const { names, settings } = app.connections;
  const keeps = app.results !== undefined;
  const all = createTools({
    connections: names,
    formats: exportFormats,
    writable: names.filter((name) => settings(name).write),
    keeps,
  });
  const calls = createToolCalls({
    tools: keeps ? [...all, resourceTool] : all,
    bind: (caller, person) => bind(app, caller, person),
    telemetry: app.telemetry,
    log: app.log,
    // Whoever may query may read what their queries gave.
    mayUse: (principal, tool) => app.mayUse(principal, tool === resourceTool ? { ...tool, name: "query" } : tool),
    ready: app.settled,
    ...(app.audit && { audit: app.audit }),
  });
  const tools = all.filter((tool) => app.mayUse(app.principal, tool));
  return { tools, calls, keeps, createMcpFactory, listTool, serveStreams };
}

/** The engine's own CSV for an export, over more connections like the one it has. */
function copies(prepared: Prepared, { table, jobs }: AppExport, connections: Connections, log: Log) {
  const { connection } = prepared;
  return csvWays(prepared, {
    table,
    jobs,
    typed: connections.facts(connection).typed,
    borrow: (signal) => connections.borrow(connection, "read", signal),
    without: (error) => log.debug(`An export goes on over fewer connections: ${asProblem(error).message}`),
  });
}

/** The driver that works with results. */
async function resultDriver(registry: Registry): Promise<Driver> {
  const loaded = await registry.drivers([]);
  const found = loaded.find(({ driver }) => driver.cage !== undefined);
  if (found === undefined) throw noResults();
  return found.driver;
}

function openResults(
  { results }: Config,
  registry: Registry,
  { roles, rate, log }: { readonly roles: Roles; readonly rate: RateRule; readonly log: Log },
): Results {
  const { folder, keepMillis, maxRows, maxBytes, maxDisk, maxTimeMillis } = results;
  return createResults({
    folder,
    limits: { keepMillis, maxRows, maxBytes, maxDisk, maxTimeMillis },
    driver: () => resultDriver(registry),
    admit(principal) {
      const permissions = roles.current()?.permissions(principal);
      meet([rate.judge({ principal }), (permissions && hoursDenial(permissions, new Date())) ?? {}]);
    },
    policy({ roles: own, values }) {
      const text = JSON.stringify([roles.mark(), own.toSorted(), values]);
      return createHash("sha256").update(text).digest("hex").slice(0, 16);
    },
    log,
  });
}

/** Whatever keeps records is loaded only where they are kept. */
async function openAudit({ config, version }: { readonly config: Config; readonly version: string }, log: Log): Promise<Audit | undefined> {
  const { mode, folder, maxFileBytes, keepDays, onFailure } = config.audit;
  if (mode === "off" || (mode === "policy" && config.policy.file === "none")) return undefined;
  const { createAudit } = await import("./audit/audit.ts");
  return createAudit({ folder, keyFolder: config.folders.state, version, maxFileBytes, keepMillis: keepDays * 86_400_000, onFailure, log });
}

/** The policy of some files, read anew. @throws CONFIG_INVALID with file, line and remedy */
export async function readPolicies(path: string, connections: readonly string[]): Promise<RolePolicy> {
  const { loadPolicy } = await import("./policy/roles/store.ts");
  return loadPolicy(path, { connections, tools: toolNames });
}

/** What went wrong, as its driver tells it. */
export function describeError(error: unknown, driver: Driver): string {
  return asProblem(diagnosed(error, driver)).message;
}

const noRoles: Roles = {
  current: () => undefined,
  settled: async () => undefined,
  allowedFunctions: () => [],
  mark: () => "",
  salt: () => "",
};

/** Whatever reads policies is loaded only when there is one. */
async function loadRoles(
  { config, connections }: { readonly config: Config; readonly connections: readonly ConnectionSettings[] },
  log: Log,
): Promise<Roles> {
  if (config.policy.file === "none") return noRoles;
  const { createRoles } = await import("./policy/roles/store.ts");
  const names = [...connections.map(({ name }) => name), ...Object.keys(config.connections)];
  return createRoles({ path: config.policy.file, stateFolder: config.folders.state, connections: names, tools: toolNames, log });
}

/** Drivers that block their thread get a process for each connection. */
async function seatedDrivers(
  registry: Registry,
  connections: readonly ConnectionSettings[],
  seatCommand: readonly string[],
): Promise<Driver[]> {
  const schemes = connections
    .map(({ target }) => /^([a-zA-Z][\w+.-]+):/.exec(target)?.[1]?.toLowerCase())
    .filter((scheme) => scheme !== undefined);
  const loaded = await registry.drivers(schemes);
  return loaded.map(({ driver, plugin }) =>
    driver.facts.blocking ? isolated(driver, { plugin, driver: driver.name }, seatCommand) : driver,
  );
}

async function openCatalog(connections: Connections, name: string, signal: AbortSignal) {
  const lease = await connections.borrow(name, "read", signal);
  const read = async (request: CatalogRequest) => {
    try {
      return await lease.connection.catalog.read(request);
    } catch (error) {
      throw diagnosed(error, lease.driver);
    }
  };
  return { catalog: { read }, release: () => lease.release(signal.aborted) };
}

function limitsOf({ timeoutMillis, maxRows }: ConnectionSettings) {
  return { ...(timeoutMillis !== undefined && { maxMillis: timeoutMillis }), ...(maxRows !== undefined && { maxRows }) };
}
